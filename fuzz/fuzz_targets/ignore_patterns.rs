#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    onebuild_fuzz::ignore_patterns(text);
});
