/// Runs a loop compiled for the widest instruction set that this CPU has, chosen at run time.
///
/// Nothing is reordered or fused: an elementwise pass gives the same bits on every CPU.
#[inline(always)]
pub(super) fn vectorised<P: pulp::NullaryFnOnce>(pass: P) -> P::Output {
    pulp::Arch::new().dispatch(pass)
}

/// Asks for numbers that will be read soon: they come from memory while something else is done.
#[inline(always)]
pub(crate) fn fetch(numbers: &[f32]) {
    #[cfg(not(target_arch = "x86_64"))]
    let _ = numbers;
    #[cfg(target_arch = "x86_64")]
    // The last number may lie in a line of its own.
    for line in numbers.chunks(16).chain(numbers.last().map(std::slice::from_ref)) {
        // SAFETY: fetching touches nothing that a program sees, and every x86-64 has this instruction.
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast());
        }
    }
}
