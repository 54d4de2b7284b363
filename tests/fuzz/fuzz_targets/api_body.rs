#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| camsync_fuzz_daemon::run("api_body", data));
