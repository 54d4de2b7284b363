//! The OpenAPI document, made from the table of operations and the pages that say what answers hold.

use serde_json::{Map, Value, json};

use super::api::BASE;
use super::operations::{OPERATIONS, Operation};
use super::problem;
use super::shapes;

/// The document: OpenAPI 3.1.
pub(super) fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    let mut schemas: Map<String, Value> = Map::new();
    for section in ["problem", "running"] {
        schemas.insert(section.to_owned(), shapes::of(section));
    }
    for operation in OPERATIONS {
        let name = schema_name(operation.answers);
        schemas
            .entry(name)
            .or_insert_with(|| shapes::of(operation.answers));
        let method = if operation.reads { "get" } else { "post" };
        let path = paths
            .entry(format!("{BASE}{}", operation.path))
            .or_insert_with(|| json!({}));
        path[method] = describe(operation);
    }
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "camsync",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Keeps Tencent Cloud CAM sub-users in step with an identity provider.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "A token of [console]" },
            },
            "responses": {
                "problem": {
                    "description": "What is wrong, and what to do (RFC 9457)",
                    "content": { problem::MEDIA_TYPE: { "schema": reference("problem") } },
                },
            },
            "schemas": schemas,
        },
    })
}

fn describe(operation: &Operation) -> Value {
    let mut responses = json!({
        "200": answer("Done", &schema_name(operation.answers)),
        "4XX": { "$ref": "#/components/responses/problem" },
        "5XX": { "$ref": "#/components/responses/problem" },
    });
    if !operation.reads {
        responses["202"] = answer("Not done yet; the work goes on", "running");
    }
    let parameters: Vec<Value> = operation.parameters.iter().map(|p| p.document()).collect();
    json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.path.split('/').nth(1).unwrap_or_default()],
        "x-camsync-role": super::access::word(operation.role),
        "parameters": parameters,
        "responses": responses,
    })
}

fn answer(description: &str, schema: &str) -> Value {
    json!({
        "description": description,
        "content": { "application/json": { "schema": reference(schema) } },
    })
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn schema_name(section: &str) -> String {
    section.replace(' ', "-")
}
