//! `connector`: which there are, and what they say of themselves.

use std::path::Path;

use camsync_connector_host::{Connector, Origin};
use serde_json::{Value, json};

use crate::connectors::{BUILT_IN, installed};

use super::{Context, OpError};

fn row_json(connector: &Connector) -> Value {
    let description = connector.description();
    let hosts: Vec<String> = description.hosts.iter().map(ToString::to_string).collect();
    let origin = match connector.origin() {
        Origin::BuiltIn(_) => json!("built-in"),
        Origin::File(path) => json!(path),
    };
    json!({
        "name": description.name,
        "version": description.version,
        "wit": description.wit,
        "sha256": description.sha256,
        "origin": origin,
        "hosts": hosts,
        "capabilities": description.capabilities,
    })
}

pub(super) async fn list(context: &Context) -> Result<Value, OpError> {
    let config = context.config();
    let host = context.connector_host(&config.config)?;
    let mut found: Vec<(Origin, Result<Vec<u8>, String>)> = BUILT_IN
        .iter()
        .map(|(name, bytes)| (Origin::BuiltIn((*name).to_owned()), Ok(bytes.to_vec())))
        .collect();
    for (_, path) in installed(&config.config.daemon.connectors_dir) {
        let bytes = std::fs::read(&path).map_err(|e| e.to_string());
        found.push((Origin::File(path), bytes));
    }
    let (mut connectors, mut refused) = (Vec::new(), Vec::new());
    for (origin, bytes) in found {
        let shown = origin.to_string();
        let loaded = match bytes {
            Ok(bytes) => host
                .load(origin, bytes, None)
                .await
                .map_err(|e| e.kind.to_string()),
            Err(error) => Err(error),
        };
        match loaded {
            Ok(connector) => connectors.push(row_json(&connector)),
            Err(error) => refused.push(json!({ "origin": shown, "error": error })),
        }
    }
    Ok(json!({ "connectors": connectors, "refused": refused }))
}

pub(super) async fn inspect(context: &Context, file: &str) -> Result<Value, OpError> {
    let config = context.config();
    let host = context.connector_host(&config.config)?;
    let reference = if Path::new(file).exists() {
        camsync_config::ConnectorRef::File(file.into())
    } else {
        camsync_config::ConnectorRef::Named(file.to_owned())
    };
    let (origin, bytes) = crate::connectors::find(&reference, &config.config.daemon.connectors_dir)
        .map_err(OpError::failed)?;
    let connector = host
        .load(origin, bytes, None)
        .await
        .map_err(|e| OpError::failed(e.to_string()))?;
    let mut made = row_json(&connector);
    made["summary"] = json!(connector.description().summary);
    made["settings"] = connector.description().settings_schema.clone();
    Ok(json!({ "connector": made }))
}
