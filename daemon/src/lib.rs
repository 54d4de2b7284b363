//! camsync keeps Tencent Cloud CAM sub-users in step with an identity provider.

pub mod ledger;
pub mod pipeline;
