//! camsync's one configuration file: types, validation, secrets, schedules and its JSON Schema.
