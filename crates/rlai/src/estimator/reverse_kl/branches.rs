/// tmp
#[derive(Clone, Copy, Debug, Default)]
pub struct ReverseKlBranches;
impl<T: crate::nn::Scalar> crate::estimator::ActionEstimator<T> for ReverseKlBranches {
    fn name(&self) -> &'static str { "reverse-kl-branches" }
    fn needs(&self) -> crate::estimator::Needs { crate::estimator::Needs { branches: true, action_gradients: true, ..Default::default() } }
    fn signal(&self, _p: &crate::estimator::Particles<'_, T>, _d: &crate::estimator::Duals<T>, _s: &mut crate::estimator::Signal<T>) {}
}
/// tmp
#[derive(Clone, Copy, Debug, Default)]
pub struct ReverseKlChoiceAndPath {
/// tmp
pub stl: bool }
impl<T: crate::nn::Scalar> crate::estimator::ActionEstimator<T> for ReverseKlChoiceAndPath {
    fn name(&self) -> &'static str { "reverse-kl" }
    fn needs(&self) -> crate::estimator::Needs { crate::estimator::Needs { own_samples: true, action_gradients: true, samples: 2, ..Default::default() } }
    fn signal(&self, _p: &crate::estimator::Particles<'_, T>, _d: &crate::estimator::Duals<T>, _s: &mut crate::estimator::Signal<T>) {}
}
