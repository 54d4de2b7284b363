//! What a plan notes in the ledger without a write to the cloud.

use camsync_core::plan::Note;
use camsync_core::retry::FailureClass;
use camsync_core::sub_user::Stage;
use rusqlite::{Connection, params};
use serde_json::json;

use super::recording::Recording;
use super::{audit, grants, rows, sub_users, waiting};

/// Writes one note.
pub(super) fn write_note(
    t: &Connection,
    recording: &Recording<'_>,
    note: &Note,
) -> rusqlite::Result<()> {
    let now = recording.now;
    match note {
        Note::Admitted {
            sub_user,
            source,
            key,
        } => {
            if let Some(facts) = recording.facts.get(source).and_then(|f| f.get(key)) {
                t.prepare_cached("UPDATE sub_users SET admitted = ?2 WHERE id = ?1")?
                    .execute(params![sub_user, rows::to_json(&**facts)?])?;
            }
            Ok(())
        }
        Note::Confirmed { sub_user } => t
            .prepare_cached("UPDATE sub_users SET unconfirmed_since = NULL WHERE id = ?1")?
            .execute([sub_user])
            .map(drop),
        Note::SignsIn { sub_user } => {
            t.prepare_cached(
                "UPDATE sub_users SET login = 1, unconfirmed_since = NULL WHERE id = ?1",
            )?
            .execute([sub_user])?;
            note_audit(t, recording, "sub_user.signs_in_by_hand", *sub_user)
        }
        Note::GoneByHand { sub_user } => {
            sub_users::end_stage(t, *sub_user, Stage::Deleted, now)?;
            waiting::drop_waiting(t, *sub_user)?;
            note_audit(t, recording, "sub_user.gone_by_hand", *sub_user)
        }
        Note::Released { sub_user } => {
            sub_users::end_stage(t, *sub_user, Stage::Released, now)?;
            waiting::drop_waiting(t, *sub_user)?;
            note_audit(t, recording, "sub_user.released", *sub_user)
        }
        Note::ResumeSettled { sub_user } => t
            .prepare_cached("UPDATE sub_users SET resume_requested = 0 WHERE id = ?1")?
            .execute([sub_user])
            .map(drop),
        Note::GrantConfirmed { sub_user, object } => grants::confirm(t, *sub_user, object),
        Note::GrantCalledFor {
            sub_user,
            object,
            by,
        } => grants::called_for(t, *sub_user, object, by),
        Note::GrantForgotten { sub_user, object } => grants::forget(t, *sub_user, object),
        Note::MadeConfirmed { made } => grants::confirm_made(t, *made),
        Note::MadeGone { made } => grants::forget_made(t, *made),
        Note::KeysSettled { sub_user } => grants::keys_settled(t, *sub_user),
        Note::NoLongerLeaving { sub_user } => t
            .prepare_cached(
                "UPDATE sub_users SET leaving_evidence = NULL, leaving_since = NULL, login_before = NULL WHERE id = ?1",
            )?
            .execute([sub_user])
            .map(drop),
        Note::Unwanted { sub_user } => {
            // A creation whose outcome is unknown keeps its row: its mark may stand in CAM already.
            let unknown: bool = t
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM changes WHERE sub_user = ?1 AND json_extract(last_error, '$.class') = ?2)",
                )?
                .query_row(
                    params![sub_user, json!(FailureClass::Unknown).as_str()],
                    |row| row.get(0),
                )?;
            waiting::drop_waiting(t, *sub_user)?;
            if unknown {
                return Ok(());
            }
            sub_users::end_stage(t, *sub_user, Stage::Abandoned, now)
        }
    }
}

fn note_audit(
    t: &Connection,
    recording: &Recording<'_>,
    action: &str,
    sub_user: i64,
) -> rusqlite::Result<()> {
    let (source, member, username): (String, String, String) = t
        .prepare_cached("SELECT source, member, username FROM sub_users WHERE id = ?1")?
        .query_row([sub_user], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    audit::append(
        t,
        recording.now,
        recording.actor,
        action,
        &username,
        &json!({ "source": source, "member": member }),
    )
}
