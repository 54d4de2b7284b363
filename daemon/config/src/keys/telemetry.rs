//! `[telemetry]`.

use url::Url;

use crate::kinds::{Secretive, WebUrl};
use crate::reader::section;
use crate::secret::SecretRef;

section! {
    /// Traces for an OpenTelemetry collector. Metrics are served at `/metrics` in any case.
    #[zh = "发往 OpenTelemetry 收集器的链路追踪。监控指标总可从 `/metrics` 读取，与此无关。"]
    pub struct Telemetry {
        /// The collector, spoken to by OTLP over HTTP; `/v1/traces` is put behind it. A change needs a restart.
        #[zh = "收集器的地址，使用基于 HTTP 的 OTLP 协议；其后会补上 `/v1/traces`。修改后需重启。"]
        otlp_endpoint: Option<Url> = WebUrl, optional("nothing is exported", "不导出");
        /// Headers for the collector, such as `authorization=Bearer …`; several with commas between them.
        #[zh = "发给收集器的请求头，如 `authorization=Bearer …`；多个之间用逗号分隔。"]
        otlp_headers: Option<SecretRef> = Secretive, optional("no headers of its own", "没有额外的请求头");
    }
}
