#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    rlai_fuzz::scores(bytes);
});
