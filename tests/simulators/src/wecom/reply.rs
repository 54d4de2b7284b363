//! Answers and refusals in WeCom's form (`wecom-api.md 0.2`).

use serde_json::{Value, json};

use super::options::Options;

/// An errcode other than 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Errcode(pub(crate) i64);

/// What an endpoint answers: its fields beside errcode and errmsg.
pub(crate) type Outcome = Result<Value, Errcode>;

/// Ends an endpoint with an errcode.
pub(crate) fn refuse<T>(code: i64) -> Result<T, Errcode> {
    Err(Errcode(code))
}

/// The JSON that goes over the wire. `serial` makes the hint unique, as real ones are.
pub(crate) fn render(outcome: &Outcome, options: &Options, serial: u64) -> Value {
    let quirks = options.quirks;
    let number = |code: i64| {
        if quirks.errcode_text {
            json!(code.to_string())
        } else {
            json!(code)
        }
    };
    match outcome {
        Ok(fields) => {
            let mut answer = fields.clone();
            if !quirks.errcode_omitted {
                answer["errcode"] = number(0);
                answer["errmsg"] = json!("ok");
            }
            if quirks.null_texts {
                null_texts(&mut answer);
            }
            answer
        }
        Err(Errcode(code)) => {
            let message = format!(
                "{}, hint: [1718000000{serial:012}], from ip: {}, more info at https://open.work.weixin.qq.com/devtool/query?e={code}",
                text(*code),
                options.client_ip
            );
            json!({"errcode": number(*code), "errmsg": message})
        }
    }
}

fn null_texts(value: &mut Value) {
    match value {
        Value::String(text) if text.is_empty() => *value = Value::Null,
        Value::Array(items) => items.iter_mut().for_each(null_texts),
        Value::Object(fields) => fields.values_mut().for_each(null_texts),
        _ => {}
    }
}

/// The words of an errcode (`wecom-api.md 7`); clients must not branch on them.
fn text(code: i64) -> &'static str {
    match code {
        -1 => "system busy",
        40001 => "invalid credential",
        40003 => "invalid userid",
        40013 => "invalid corpid",
        40014 => "invalid access_token",
        40029 => "invalid code",
        40056 => "invalid agentid",
        40058 => "invalid parameter",
        40068 => "invalid tagid",
        41001 => "access_token missing",
        41002 => "corpid missing",
        41004 => "secret missing",
        41009 => "userid missing",
        41011 => "agentid missing",
        41017 => "tagid missing",
        42001 => "access_token expired",
        42022 => "code already used",
        45009 => "api freq out of limit",
        45029 => "response size out of limit",
        45033 => "api concurrent out of limit",
        48002 => "api forbidden",
        48009 => "api forbidden for contact assistant",
        50001 => "redirect_url domain account unmatched",
        50003 => "app disabled",
        60003 => "department not found",
        60011 => "no privilege to access/modify contact/party/agent",
        60020 => "not allow to access from your ip",
        60111 => "userid not found",
        81013 => "user & party & tag all invalid",
        301002 => "not allow operate another agent with this accesstoken",
        _ => "error",
    }
}
