//! Where members are, one by one: the witness before a removal (`wecom-api.md` 2.7).

use camsync_connector_sdk::Host;
use camsync_connector_sdk::types::{Failure, Presence};

use crate::api::{Api, Call, Flow};
use crate::codes::Class;
use crate::crawl::SILENCE_MAX;
use crate::fold;
use crate::member::{is_usable_id, member};
use crate::problem::Problem;
use crate::settings::Settings;
use crate::wire::RawMember;

const PATH: &str = "user/get";

/// Asks for each of these members.
///
/// # Errors
/// Whatever would end every other look-up the same way; then none of them is settled.
pub(crate) fn look_up(
    host: &dyn Host,
    settings: &Settings,
    ids: &[String],
) -> Result<Vec<Presence>, Failure> {
    let api = Api::of_app(host, settings)?;
    let unasked = "an id that WeCom cannot have given".to_owned();
    let mut answers = vec![Presence::Unknown(unasked); ids.len()];
    let mut fatal = None;
    let mut silence = 0;
    let usable = ids.iter().enumerate().filter(|(_, id)| is_usable_id(id));
    let calls = usable
        .map(|(place, id)| (place, Call::with(PATH, "userid", id)))
        .collect();
    let asked = api.each(calls, |place, result: Result<RawMember, Problem>| {
        match result {
            Err(problem)
                if problem.is_fatal() || (problem.is_passing() && silence + 1 >= SILENCE_MAX) =>
            {
                fatal = Some(problem);
                return Flow::Stop;
            }
            result => {
                silence = if result.as_ref().is_err_and(Problem::is_passing) {
                    silence + 1
                } else {
                    0
                };
                answers[place] = settle(&ids[place], result);
            }
        }
        Flow::On
    });
    asked.map_err(|problem| api.failure(problem))?;
    fatal.map_or(Ok(answers), |problem| Err(api.failure(problem)))
}

/// What an answer says of this member. Only an answer that can mean nothing else says that somebody is gone.
fn settle(id: &str, result: Result<RawMember, Problem>) -> Presence {
    match result {
        Ok(raw) if fold(&raw.userid) != fold(id) => {
            Presence::Unknown(format!("{PATH} answered about somebody else"))
        }
        Ok(raw) => match member(raw) {
            Ok(mut member) => {
                let departments = member.departments.iter();
                member.shown_by = departments.map(|id| format!("department:{id}")).collect();
                Presence::Present(Box::new(member))
            }
            Err(unusable) => Presence::Unknown(unusable.to_string()),
        },
        Err(problem) => match problem.class() {
            Some(Class::MemberGone) => Presence::Gone(problem.line()),
            Some(Class::MemberHidden) => Presence::OutOfSight(problem.line()),
            _ => Presence::Unknown(problem.line()),
        },
    }
}
