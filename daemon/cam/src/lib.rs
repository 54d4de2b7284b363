//! Tencent Cloud CAM client: TC3 signature, pacing, typed actions and error classes.
