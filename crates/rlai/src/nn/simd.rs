/// Runs a loop compiled for the widest instruction set that this CPU has, chosen at run time.
///
/// Nothing is reordered or fused: an elementwise pass gives the same bits on every CPU.
#[inline(always)]
pub(super) fn vectorised<P: pulp::NullaryFnOnce>(pass: P) -> P::Output {
    pulp::Arch::new().dispatch(pass)
}
