//! The answers of WeCom's directory interfaces, and how a body becomes one (`wecom-api.md` 1.1, 2, 4.3).

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::lenient::{self, Number, Obj, Text};

/// What every answer may begin with.
#[derive(Deserialize)]
pub(crate) struct Head {
    #[serde(default)]
    pub(crate) errcode: Number,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(crate) errmsg: String,
}

/// Why a body is not the answer that was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotAnAnswer {
    /// WeCom refuses, with its code and words.
    Code(i64, String),
    /// The body is something else altogether. The text says what, never with a piece of the body: a proxy's error
    /// page may repeat the URL, and the URL holds the token.
    Garbage(String),
}

/// Whether the body is an answer at all, of whatever interface.
///
/// # Errors
/// A refusal by WeCom, or a body that says nothing about what was asked.
pub(crate) fn accept(body: &[u8]) -> Result<(), NotAnAnswer> {
    let garbage = |what: &str| Err(NotAnAnswer::Garbage(what.to_owned()));
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => return garbage("an empty body instead of JSON"),
        Some(b'<') => return garbage("a page of HTML or XML instead of JSON"),
        Some(b'{') => {}
        Some(_) => return garbage("a body that is not a JSON object"),
    }
    let head: Result<Obj<Head>, _> = serde_json::from_slice(body);
    match head {
        Ok(Obj(Head {
            errcode: Number::Absent | Number::Is(0),
            ..
        })) => Ok(()),
        Ok(Obj(Head {
            errcode: Number::Is(code),
            errmsg,
        })) => Err(NotAnAnswer::Code(code, errmsg)),
        Ok(_) => garbage("an errcode that is no number"),
        Err(error) => garbage(&misfit("JSON that is cut off or malformed", &error)),
    }
}

/// Reads the body of an accepted answer.
///
/// # Errors
/// What the body is instead of this answer.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let answer: Result<Obj<T>, _> = serde_json::from_slice(body);
    answer
        .map(|Obj(answer)| answer)
        .map_err(|error| misfit("JSON without what was asked for", &error))
}

/// Only the place: serde's own words may repeat a value.
fn misfit(what: &str, error: &serde_json::Error) -> String {
    format!("{what} (column {})", error.column())
}

/// `gettoken`.
#[derive(Deserialize)]
pub(crate) struct TokenAnswer {
    pub(crate) access_token: String,
    #[serde(default)]
    pub(crate) expires_in: Number,
}

/// `agent/get`.
#[derive(Deserialize)]
pub(crate) struct Agent {
    #[serde(default)]
    pub(crate) agentid: Number,
    #[serde(default)]
    pub(crate) close: Number,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(crate) name: String,
    pub(crate) allow_userinfos: Option<Obj<AllowedUsers>>,
    pub(crate) allow_partys: Option<Obj<AllowedDepartments>>,
    pub(crate) allow_tags: Option<Obj<AllowedTags>>,
}

/// Members named one by one.
#[derive(Deserialize)]
pub(crate) struct AllowedUsers {
    #[serde(default, deserialize_with = "lenient::list")]
    pub(crate) user: Vec<Obj<UserRef>>,
}

/// Departments with all below them.
#[derive(Deserialize)]
pub(crate) struct AllowedDepartments {
    #[serde(default, deserialize_with = "lenient::ids")]
    pub(crate) partyid: Vec<u64>,
}

/// Tags.
#[derive(Deserialize)]
pub(crate) struct AllowedTags {
    #[serde(default, deserialize_with = "lenient::ids")]
    pub(crate) tagid: Vec<u64>,
}

/// A member by id.
#[derive(Deserialize)]
pub(crate) struct UserRef {
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) userid: String,
}

/// `department/list`.
#[derive(Deserialize)]
pub(crate) struct DepartmentList {
    pub(crate) department: Vec<Obj<RawDepartment>>,
}

/// `department/simplelist`.
#[derive(Deserialize)]
pub(crate) struct DepartmentIds {
    pub(crate) department_id: Vec<Obj<RawDepartment>>,
}

/// `department/get`.
#[derive(Deserialize)]
pub(crate) struct DepartmentDetail {
    pub(crate) department: Obj<RawDepartment>,
}

/// A department; the name is missing in `simplelist`.
#[derive(Deserialize)]
pub(crate) struct RawDepartment {
    #[serde(default)]
    pub(crate) id: Number,
    #[serde(default)]
    pub(crate) parentid: Number,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(crate) name: String,
}

/// `user/list`.
#[derive(Deserialize)]
pub(crate) struct UserList {
    pub(crate) userlist: Vec<Obj<RawMember>>,
}

/// A member, in `user/list` and as the answer of `user/get`. Everything but the id may be missing.
#[derive(Deserialize, Default)]
pub(crate) struct RawMember {
    #[serde(default, deserialize_with = "lenient::text")]
    pub(crate) userid: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(crate) name: String,
    #[serde(default, deserialize_with = "lenient::ids")]
    pub(crate) department: Vec<u64>,
    #[serde(default, deserialize_with = "lenient::list")]
    pub(crate) is_leader_in_dept: Vec<Number>,
    #[serde(default, deserialize_with = "lenient::list")]
    pub(crate) direct_leader: Vec<Text>,
    #[serde(default)]
    pub(crate) main_department: Number,
    #[serde(default)]
    pub(crate) status: Number,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(crate) position: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(crate) mobile: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(crate) email: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(crate) biz_mail: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(crate) alias: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(crate) english_name: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(crate) telephone: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(crate) external_position: String,
    pub(crate) extattr: Option<Value>,
}

/// `tag/list`.
#[derive(Deserialize)]
pub(crate) struct TagList {
    pub(crate) taglist: Vec<Obj<RawTag>>,
}

/// A tag in `tag/list`.
#[derive(Deserialize)]
pub(crate) struct RawTag {
    #[serde(default)]
    pub(crate) tagid: Number,
}

/// `tag/get`. One of the lists may be missing when it is empty, but not both.
#[derive(Deserialize)]
pub(crate) struct TagDetail {
    #[serde(default, deserialize_with = "lenient::text")]
    pub(crate) tagname: String,
    pub(crate) userlist: Option<Vec<Obj<UserRef>>>,
    pub(crate) partylist: Option<Vec<Number>>,
}

/// `auth/getuserinfo`. The capitalised form is that of the older endpoint.
#[derive(Deserialize)]
pub(crate) struct UserInfo {
    #[serde(default, alias = "UserId", deserialize_with = "lenient::text")]
    pub(crate) userid: String,
    #[serde(default, alias = "OpenId", deserialize_with = "lenient::text")]
    pub(crate) openid: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(crate) external_userid: String,
}

/// `message/send`: whom it did not reach.
#[derive(Deserialize)]
pub(crate) struct Sent {
    #[serde(default, deserialize_with = "lenient::text")]
    pub(crate) invaliduser: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(crate) unlicenseduser: String,
}
