//! The container file, the Kubernetes manifests and Litestream's file: they parse, agree with each other, and the
//! configuration in them is one that camsync takes. No cluster and no container engine is asked.

use serde_json::Value;

use crate::world::{World, json};

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../config");

fn read(path: &str) -> String {
    std::fs::read_to_string(format!("{PROJECT}/{path}")).unwrap()
}

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&read(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The words of the last stage that begin with an instruction.
fn instructions<'t>(file: &'t str, name: &str) -> Vec<&'t str> {
    let last = file.rfind("\nFROM ").unwrap();
    file[last..]
        .lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
        .collect()
}

#[test]
fn the_kustomization_names_what_is_there() {
    let kustomization = yaml("kubernetes/kustomization.yaml");
    let named: Vec<&str> = kustomization["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r.as_str().unwrap())
        .collect();
    for entry in std::fs::read_dir(format!("{PROJECT}/kubernetes")).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        if !file.ends_with(".yaml") || file == "kustomization.yaml" {
            continue;
        }
        let document = yaml(&format!("kubernetes/{file}"));
        assert!(document["kind"].is_string(), "{file}");
        // An example that were applied would put its words over the real secrets.
        assert_eq!(
            named.contains(&file.as_str()),
            !file.contains("example"),
            "{file}"
        );
    }
    assert_eq!(named.len(), 4);
}

#[test]
fn the_deployment_keeps_one_ledger_and_gives_nothing_away() {
    let deployment = yaml("kubernetes/deployment.yaml");
    let spec = &deployment["spec"];
    assert_eq!(spec["replicas"], 1);
    assert_eq!(spec["strategy"]["type"], "Recreate");
    let pod = &spec["template"]["spec"];
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert!(pod["terminationGracePeriodSeconds"].as_u64() > Some(10));
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(
        pod["securityContext"]["seccompProfile"]["type"],
        "RuntimeDefault"
    );
    let container = &pod["containers"][0];
    let security = &container["securityContext"];
    assert_eq!(security["readOnlyRootFilesystem"], true);
    assert_eq!(security["allowPrivilegeEscalation"], false);
    assert_eq!(security["capabilities"]["drop"][0], "ALL");
    assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/healthz");
    assert_eq!(container["readinessProbe"]["httpGet"]["path"], "/readyz");

    // Every mount has its volume, and everything that is written has a mount.
    let places = |list: &Value, field: &str| -> Vec<String> {
        let all = list.as_array().unwrap().iter();
        all.map(|item| item[field].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        places(&container["volumeMounts"], "name"),
        places(&pod["volumes"], "name")
    );
    let mounts = places(&container["volumeMounts"], "mountPath");
    let cache = container["env"].as_array().unwrap().iter();
    let cache = cache
        .filter(|e| e["name"] == "CAMSYNC_CACHE_DIR")
        .map(|e| e["value"].as_str().unwrap().to_owned());
    assert!(cache.into_iter().all(|place| mounts.contains(&place)));
    assert!(mounts.contains(&"/var/lib/camsync".to_owned()));
}

#[test]
fn camsync_takes_the_configuration_and_the_secret_has_what_it_names() {
    let world = World::new();
    let file = format!("{PROJECT}/kubernetes/camsync.toml");
    let shown = world.run(&["-c", &file, "config", "show", "--json"]);
    assert!(shown.status.success());
    let shown = json(&shown);
    assert_eq!(shown["daemon"]["data_dir"], "/var/lib/camsync");
    let port =
        yaml("kubernetes/deployment.yaml")["spec"]["template"]["spec"]["containers"][0]["ports"][0]
            ["containerPort"]
            .clone();
    assert_eq!(shown["daemon"]["listen"], format!("0.0.0.0:{port}"));
    assert_eq!(
        yaml("kubernetes/service.yaml")["spec"]["ports"][0]["port"],
        port
    );

    let secret = yaml("kubernetes/secret.example.yaml");
    let text = read("kubernetes/camsync.toml");
    let named: Vec<&str> = text
        .split("{ file = \"/run/secrets/camsync/")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert_eq!(named.len(), secret["stringData"].as_object().unwrap().len());
    for name in named {
        assert!(secret["stringData"][name].is_string(), "{name}");
    }
}

#[test]
fn the_image_is_no_root_and_agrees_with_the_deployment() {
    let file = read("container/Containerfile");
    assert_eq!(file.matches("\nFROM ").count(), 2, "two stages");
    let pod = yaml("kubernetes/deployment.yaml")["spec"]["template"]["spec"].clone();
    let user = pod["securityContext"]["runAsUser"].as_u64().unwrap();
    assert_ne!(user, 0);
    assert_eq!(instructions(&file, "USER"), [format!("{user}:{user}")]);
    assert_eq!(instructions(&file, "VOLUME"), ["/var/lib/camsync"]);
    assert!(
        instructions(&file, "RUN").is_empty(),
        "the last stage runs nothing"
    );
    assert!(file.contains("cargo build --release --locked --package camsync"));
    // What the build reads is what the ignore file lets in.
    let ignore = read("container/Containerfile.dockerignore");
    let workspace = std::fs::read_to_string(format!("{PROJECT}/../Cargo.toml")).unwrap();
    let workspace: toml::Table = workspace.parse().unwrap();
    for member in workspace["workspace"]["members"].as_array().unwrap() {
        let folder = member.as_str().unwrap().split('/').next().unwrap();
        assert!(ignore.contains(&format!("!{folder}\n")), "{folder}");
    }
}

#[test]
fn litestream_copies_the_ledger() {
    let file = yaml("litestream.yml");
    assert_eq!(file["dbs"][0]["path"], "/var/lib/camsync/camsync.db");
    assert!(file["dbs"][0]["replica"]["path"].is_string());
}
