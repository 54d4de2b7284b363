//! The WeCom simulator's directory, as far as the visible range shows it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use camsync_simulators::wecom::{Options, Quirks, Status, VisibleRange};
use serde_json::{Value, json};
use support::{WecomClient, acme, column};

fn userids(answer: &Value) -> Vec<Value> {
    column(&answer["userlist"], "userid")
}

#[tokio::test]
async fn an_app_reads_what_its_departments_come_to() {
    let (sim, client) = acme(Options::default()).await;
    let all = client.ok("department/list").await;
    assert_eq!(column(&all["department"], "id"), [1, 2, 3, 4]);
    assert_eq!(column(&all["department"], "parentid"), [0, 1, 1, 2]);
    sim.set_range(VisibleRange::departments(&[2]));
    let some = client.ok("department/list").await;
    assert_eq!(
        column(&some["department"], "id"),
        [2, 4],
        "the parent is named, and not there"
    );
    assert_eq!(some["department"][0]["parentid"], 1);
    let ids = client.ok("department/simplelist?id=4").await;
    assert_eq!(
        ids["department_id"],
        json!([{"id": 4, "parentid": 2, "order": 1004}])
    );
    assert_eq!(
        client.ok("department/get?id=2").await["department"]["name"],
        "研发"
    );
    for (path, code) in [
        ("department/list?id=3", 60011),
        ("department/get?id=1", 60011),
        ("department/get?id=77", 60003),
        ("user/list?department_id=3", 60011),
        ("user/list?department_id=77", 60003),
        ("user/list", 40058),
        ("user/get?userid=Sales", 60111),
        ("user/get?userid=nobody", 60111),
        ("user/get?userid=%2Bbad%20id", 40003),
        ("user/get", 41009),
        ("nothing/get", 48001),
    ] {
        assert_eq!(client.code(path).await, code, "{path}");
    }
    let list = client.ok("user/list?department_id=2").await;
    assert_eq!(userids(&list), ["both", "dev"]);
    let both = &list["userlist"][0];
    assert_eq!(both["department"], json!([2]), "only what the app may see");
    assert!(
        both.get("main_department").is_none(),
        "the main department is out of sight"
    );
    assert!(both.get("mobile").is_none());
    assert_eq!(list["userlist"][1]["main_department"], 2);
    assert_eq!(
        client.ok("user/get?userid=DEV").await["userid"],
        "dev",
        "userids ignore case"
    );
    let simple = client.ok("user/simplelist?department_id=4").await;
    assert_eq!(
        simple["userlist"],
        json!([{"userid": "ops", "name": "运维", "department": [4]}])
    );
    sim.configure(|options| options.ancestor_stubs = true);
    assert_eq!(
        column(&client.ok("department/list").await["department"], "id"),
        [1, 2, 4]
    );
}

#[tokio::test]
async fn members_and_tags_widen_the_range() {
    let (sim, client) = acme(Options::default()).await;
    sim.add_tag(7, "云", &["boss", "ghost"], &[4]);
    sim.add_tag(8, "别的", &["Sales"], &[3]);
    sim.set_range(VisibleRange::default());
    sim.change_range(|range| {
        range.members.insert("Sales".into());
        range.tags.insert(7);
    });
    let agent = client
        .ok(&format!(
            "agent/get?agentid={}",
            Options::default().agent_id
        ))
        .await;
    assert_eq!(
        agent["allow_userinfos"]["user"],
        json!([{"userid": "Sales"}])
    );
    assert_eq!(
        (
            &agent["allow_partys"]["partyid"],
            &agent["allow_tags"]["tagid"]
        ),
        (&json!([]), &json!([7]))
    );
    assert_eq!(
        column(&client.ok("department/list").await["department"], "id"),
        [4]
    );
    let sales = client.ok("user/get?userid=sales").await;
    assert_eq!(
        (&sales["userid"], &sales["department"]),
        (&json!("Sales"), &json!([]))
    );
    client.ok("user/get?userid=boss").await;
    client.ok("user/get?userid=ops").await;
    assert_eq!(client.code("user/get?userid=dev").await, 60111);
    let tag = client.ok("tag/get?tagid=7").await;
    assert_eq!(
        (userids(&tag), &tag["partylist"]),
        (vec!["boss".into()], &json!([4]))
    );
    let other = client.ok("tag/get?tagid=8").await;
    assert_eq!(
        (userids(&other), &other["partylist"]),
        (vec!["Sales".into()], &json!([])),
        "filtered"
    );
    assert_eq!(
        column(&client.ok("tag/list").await["taglist"], "tagid"),
        [7, 8]
    );
    assert_eq!(client.code("tag/get?tagid=9").await, 40068);
    assert_eq!(client.code("tag/get").await, 41017);
    sim.configure(|options| options.member_departments_visible = true);
    assert_eq!(
        client.ok("user/get?userid=sales").await["department"],
        json!([3])
    );
}

#[tokio::test]
async fn contact_sync_reads_ids_of_everybody() {
    let (sim, app) = acme(Options::default()).await;
    sim.set_range(VisibleRange::departments(&[4]));
    let client = WecomClient::new(&sim, &Options::default().contact_sync_secret).await;
    assert_ne!(client.token, app.token);
    assert_eq!(
        column(
            &client.ok("department/simplelist").await["department_id"],
            "id"
        ),
        [1, 2, 3, 4]
    );
    for path in [
        "department/list",
        "user/list?department_id=1",
        "user/get?userid=dev",
        "department/get?id=1",
    ] {
        assert_eq!(client.code(path).await, 48009, "{path}");
    }
    assert_eq!(client.code("auth/getuserinfo?code=x").await, 48002);
    assert_eq!(
        client
            .code(&format!(
                "agent/get?agentid={}",
                Options::default().agent_id
            ))
            .await,
        301002
    );
    let first = client.post("user/list_id", json!({"limit": 4})).await;
    assert_eq!(
        column(&first["dept_user"], "userid"),
        ["Sales", "boss", "both", "both"]
    );
    let second = client
        .post(
            "user/list_id",
            json!({"cursor": first["next_cursor"], "limit": 4}),
        )
        .await;
    assert_eq!(
        (
            column(&second["dept_user"], "userid"),
            &second["next_cursor"]
        ),
        (vec!["dev".into(), "ops".into()], &json!(""))
    );
    assert_eq!(
        client.post("user/list_id", json!({"limit": 10_001})).await["errcode"],
        40058
    );
    assert_eq!(client.code("user/list_id").await, 40058, "a GET");
    assert_eq!(app.post("user/list_id", json!({})).await["errcode"], 48002);
    sim.configure(|options| options.ip_grandfathered = true);
    assert_eq!(
        userids(&client.ok("user/list?department_id=1").await),
        ["boss"]
    );
}

#[tokio::test]
async fn members_show_status_contact_and_odd_types() {
    let (sim, client) = acme(Options {
        contact_fields: true,
        ..Options::default()
    })
    .await;
    for (userid, status) in [
        ("dev", Status::Disabled),
        ("both", Status::NotActivated),
        ("ops", Status::Quit),
    ] {
        sim.set_status(userid, status);
    }
    sim.with(|enterprise| {
        enterprise.change("dev", |member| {
            member.mobile = "13800000000".into();
            member.leads.insert(2);
            member.direct_leaders = vec!["boss".into(), "gone".into()];
            member.attributes.push(("成本中心".into(), "A7".into()));
        });
    });
    let dev = client.ok("user/get?userid=dev").await;
    assert_eq!(
        (&dev["status"], &dev["mobile"], &dev["gender"]),
        (&json!(2), &json!("13800000000"), &json!("0"))
    );
    assert_eq!(
        (&dev["is_leader_in_dept"], &dev["direct_leader"]),
        (&json!([1]), &json!(["boss"]))
    );
    assert_eq!(dev["extattr"]["attrs"][0]["text"]["value"], "A7");
    assert_eq!(client.ok("user/get?userid=both").await["status"], 4);
    assert_eq!(client.ok("user/get?userid=ops").await["status"], 5);
    let quirks = Quirks {
        errcode_omitted: true,
        main_department_text: true,
        status_text: true,
        null_texts: true,
        ..Quirks::default()
    };
    sim.configure(|options| options.quirks = quirks);
    let odd = client.get("user/get?userid=dev").await;
    assert!(odd.get("errcode").is_none());
    assert_eq!(
        (&odd["status"], &odd["main_department"]),
        (&json!("2"), &json!("2"))
    );
    assert!(odd["alias"].is_null());
    sim.configure(|options| {
        options.quirks = Quirks {
            errcode_text: true,
            bare_members: true,
            ..Quirks::default()
        }
    });
    assert_eq!(client.get("user/get?userid=x").await["errcode"], "60111");
    let bare = client.get("user/get?userid=dev").await;
    assert_eq!(
        bare,
        json!({"errcode": "0", "errmsg": "ok", "userid": "dev", "department": [2], "status": 2})
    );
}

#[tokio::test]
async fn changes_of_the_directory_show() {
    let (sim, client) = acme(Options::default()).await;
    sim.rename_member("dev", "新名");
    sim.move_member("dev", &[4, 3]);
    let dev = client.ok("user/get?userid=dev").await;
    assert_eq!(
        (&dev["name"], &dev["main_department"], &dev["department"]),
        (&json!("新名"), &json!(4), &json!([4, 3]))
    );
    sim.add_tag(1, "标签", &["dev"], &[]);
    sim.with(|enterprise| enterprise.change_userid("dev", "dev01"));
    assert_eq!(client.code("user/get?userid=dev").await, 60111);
    assert_eq!(userids(&client.ok("tag/get?tagid=1").await), ["dev01"]);
    sim.remove_member("dev01");
    assert_eq!(client.code("user/get?userid=dev01").await, 60111);
    sim.configure(|options| options.unknown_member_code = 40003);
    assert_eq!(client.code("user/get?userid=dev01").await, 40003);
}
