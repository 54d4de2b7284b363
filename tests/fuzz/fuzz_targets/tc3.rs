#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| camsync_fuzz_targets::run("tc3", data));
