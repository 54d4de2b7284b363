//! What a person does in the console, played by a test. Each change is in the history as [`super::Actor::ByHand`].

use serde_json::{Value, json};

use super::Simulator;
use super::cloud::UserKind;
use super::history::FieldChange;
use super::refusal::Refusal;
use super::users::{blank, insert};

fn code(refusal: Refusal) -> String {
    format!("{}: {}", refusal.code, refusal.message)
}

impl Simulator {
    /// Does any action of the API by hand: no signature, rate or fault, the same checks and effects.
    ///
    /// # Errors
    /// The code and message with which the action refuses.
    pub fn by_hand(&self, action: &str, params: Value) -> Result<Value, String> {
        self.host.service.by_hand(action, params).map_err(code)
    }

    /// Adds a user of any kind, with console sign-in; names are not checked. Returns its Uin.
    pub fn add_user(&self, name: &str, kind: UserKind) -> u64 {
        self.place(name, kind, "")
    }

    /// Adds a sub-user of type 3 for a WeCom userid, as the console's import does. Returns its Uin.
    pub fn add_wecom_user(&self, name: &str, wecom_id: &str) -> u64 {
        self.place(name, UserKind::WeCom, wecom_id)
    }

    fn place(&self, name: &str, kind: UserKind, wecom_id: &str) -> u64 {
        let mut state = self.host.service.state();
        let caller = state.person();
        let mut uin = 0;
        let _ = state.write("AddUser", &caller, |edit| {
            let mut user = blank(edit, name, kind);
            uin = user.uin;
            user.console_login = true;
            user.passwords_set = 1;
            user.wecom_id = wecom_id.to_owned();
            insert(edit, user);
            Ok(json!({}))
        });
        uin
    }

    /// Adds a group. Returns its GroupId, 0 if refused.
    pub fn add_group(&self, name: &str) -> u64 {
        self.by_hand("CreateGroup", json!({"GroupName": name}))
            .ok()
            .and_then(|answer| answer["GroupId"].as_u64())
            .unwrap_or(0)
    }

    /// Adds a custom policy that allows nothing much. Returns its PolicyId, 0 if refused.
    pub fn add_policy(&self, name: &str) -> u64 {
        let document = r#"{"version":"2.0","statement":[{"effect":"allow","action":["cvm:Describe*"],"resource":["*"]}]}"#;
        self.by_hand(
            "CreatePolicy",
            json!({"PolicyName": name, "PolicyDocument": document}),
        )
        .ok()
        .and_then(|answer| answer["PolicyId"].as_u64())
        .unwrap_or(0)
    }

    /// Gives a user an API key. Returns its AccessKeyId, empty if refused.
    pub fn add_key(&self, user: &str) -> String {
        let answer = self.by_hand("CreateAccessKey", json!({"TargetUin": self.uin(user)}));
        answer
            .ok()
            .and_then(|answer| {
                answer["AccessKey"]["AccessKeyId"]
                    .as_str()
                    .map(str::to_owned)
            })
            .unwrap_or_default()
    }

    /// Puts a user into a group.
    ///
    /// # Errors
    /// The refusal.
    pub fn join(&self, user: &str, group: &str) -> Result<(), String> {
        self.membership("AddUserToGroup", user, group)
    }

    /// Takes a user out of a group.
    ///
    /// # Errors
    /// The refusal.
    pub fn leave(&self, user: &str, group: &str) -> Result<(), String> {
        self.membership("RemoveUserFromGroup", user, group)
    }

    fn membership(&self, action: &str, user: &str, group: &str) -> Result<(), String> {
        let group_id = self.with(|cloud| cloud.group(group).map_or(0, |group| group.id));
        self.by_hand(
            action,
            json!({"Info": [{"GroupId": group_id, "Uin": self.uin(user)}]}),
        )
        .map(drop)
    }

    /// Attaches a policy to a user.
    ///
    /// # Errors
    /// The refusal.
    pub fn attach(&self, user: &str, policy: &str) -> Result<(), String> {
        let policy_id = self.policy_id(policy);
        self.by_hand(
            "AttachUserPolicy",
            json!({"PolicyId": policy_id, "AttachUin": self.uin(user)}),
        )
        .map(drop)
    }

    /// Detaches a policy from a user.
    ///
    /// # Errors
    /// The refusal.
    pub fn detach(&self, user: &str, policy: &str) -> Result<(), String> {
        let policy_id = self.policy_id(policy);
        self.by_hand(
            "DetachUserPolicy",
            json!({"PolicyId": policy_id, "DetachUin": self.uin(user)}),
        )
        .map(drop)
    }

    /// Attaches a policy to a group.
    ///
    /// # Errors
    /// The refusal.
    pub fn attach_to_group(&self, group: &str, policy: &str) -> Result<(), String> {
        let group_id = self.with(|cloud| cloud.group(group).map_or(0, |group| group.id));
        let policy_id = self.policy_id(policy);
        self.by_hand(
            "AttachGroupPolicy",
            json!({"PolicyId": policy_id, "AttachGroupId": group_id}),
        )
        .map(drop)
    }

    /// Switches a user's console sign-in.
    ///
    /// # Errors
    /// The refusal.
    pub fn set_sign_in(&self, user: &str, on: bool) -> Result<(), String> {
        self.by_hand(
            "UpdateUser",
            json!({"Name": user, "ConsoleLogin": u8::from(on)}),
        )
        .map(drop)
    }

    /// Changes a user's remark.
    ///
    /// # Errors
    /// The refusal.
    pub fn set_remark(&self, user: &str, remark: &str) -> Result<(), String> {
        self.by_hand("UpdateUser", json!({"Name": user, "Remark": remark}))
            .map(drop)
    }

    /// Deletes a user and its keys.
    ///
    /// # Errors
    /// The refusal.
    pub fn delete_user(&self, user: &str) -> Result<(), String> {
        self.by_hand("DeleteUser", json!({"Name": user, "Force": 1}))
            .map(drop)
    }

    /// Makes UpdateUser and DeleteUser answer FailedOperation.Unmodifiable for this user.
    pub fn set_unmodifiable(&self, user: &str, unmodifiable: bool) {
        let uin = self.uin(user);
        let mut state = self.host.service.state();
        let caller = state.person();
        let _ = state.write("SetUnmodifiable", &caller, |edit| {
            if let Some(found) = edit.cloud.users.get_mut(&uin) {
                let change = FieldChange::new("unmodifiable", found.unmodifiable, unmodifiable);
                found.unmodifiable = unmodifiable;
                edit.record(Some(uin), user, vec![change]);
            }
            Ok(json!({}))
        });
    }

    /// The Uin of the user of exactly this name, 0 if there is none.
    pub fn uin(&self, user: &str) -> u64 {
        self.with(|cloud| cloud.user(user).map_or(0, |user| user.uin))
    }

    fn policy_id(&self, policy: &str) -> u64 {
        self.with(|cloud| cloud.policy(policy).map_or(0, |policy| policy.id))
    }
}
