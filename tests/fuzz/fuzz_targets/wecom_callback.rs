#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| camsync_fuzz_targets::run("wecom_callback", data));
