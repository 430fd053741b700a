//! One key per run, split into named streams.
//!
//! Every consumer of randomness (exploration noise, replay sampling, a network's initialisation, the
//! environment, evaluation) owns a stream of its own, found by name. Streams never share state, so
//! adding a consumer, or evaluating more often, cannot change what another consumer draws.

use chacha20::ChaCha8Rng;
use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, Gamma, StandardNormal};
use serde::{Deserialize, Serialize};

use crate::nn::Scalar;

/// The key of a run: the source of all its random streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key([u8; 32]);

impl Key {
    /// The key that belongs to a user's seed.
    pub fn from_seed(seed: u64) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("rlai 2026 run key v1");
        hasher.update(&seed.to_le_bytes());
        Self(*hasher.finalize().as_bytes())
    }

    /// The stream of this name, at its beginning. Equal names give equal streams.
    pub fn stream(&self, name: &str) -> Stream {
        Stream::at(*self, name_to_id(name), 0)
    }

    /// The `index`-th of a family of streams of one name.
    pub fn indexed_stream(&self, name: &str, index: u64) -> Stream {
        self.stream(&format!("{name}/{index}"))
    }
}

fn name_to_id(name: &str) -> u64 {
    let hash = blake3::hash(name.as_bytes());
    u64::from_le_bytes(hash.as_bytes()[..8].try_into().expect("a hash has 32 bytes"))
}

/// Where a stream stands: enough to go on from exactly there, after any draw of any kind. No sampler keeps
/// a number for later (the normal ones are drawn by the ziggurat method, which yields one at a time).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamState {
    key: [u8; 32],
    stream: u64,
    /// Position in 32-bit words, as two halves because JSON has no 128-bit numbers.
    position: [u64; 2],
}

/// A reproducible stream of random numbers (ChaCha with 8 rounds).
#[derive(Debug)]
pub struct Stream {
    key: Key,
    id: u64,
    generator: ChaCha8Rng,
}

impl Stream {
    fn at(key: Key, id: u64, position: u128) -> Self {
        let mut generator = ChaCha8Rng::from_seed(key.0);
        generator.set_stream(id);
        generator.set_word_pos(position);
        Self { key, id, generator }
    }

    /// A uniform integer in `0..bound`.
    ///
    /// # Panics
    /// When `bound` is zero.
    pub fn below(&mut self, bound: usize) -> usize {
        assert!(bound > 0, "no integer lies below zero");
        // Widening multiplication (Lemire 2019); the rejection step keeps it exactly uniform.
        let bound = bound as u64;
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.generator.next_u64()) * u128::from(bound);
            if product as u64 >= threshold {
                return (product >> 64) as usize;
            }
        }
    }

    /// A uniform number in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.generator.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// A uniform number in `[low, high)`.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A standard normal number.
    pub fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.generator)
    }

    /// A number of the gamma distribution with this shape and scale 1 (Marsaglia and Tsang 2000); NaN
    /// where the shape is not positive.
    pub fn gamma(&mut self, shape: f64) -> f64 {
        Gamma::new(shape, 1.0).map_or(f64::NAN, |gamma| gamma.sample(&mut self.generator))
    }

    /// Fills `out` with independent standard normal numbers.
    pub fn fill_normal<T: Scalar>(&mut self, out: &mut [T]) {
        for value in out {
            *value = T::from_f64(self.normal());
        }
    }

    /// Where the stream stands now.
    pub fn state(&self) -> StreamState {
        let position = self.generator.get_word_pos();
        StreamState {
            key: self.key.0,
            stream: self.id,
            position: [(position >> 64) as u64, position as u64],
        }
    }

    /// The stream that goes on from `state`.
    pub fn from_state(state: &StreamState) -> Self {
        let position = (u128::from(state.position[0]) << 64) | u128::from(state.position[1]);
        Self::at(Key(state.key), state.stream, position)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};

    use super::*;

    /// One draw of each kind that a stream knows.
    #[derive(Clone, Copy, Debug)]
    enum Draw {
        Below(usize),
        Unit,
        Uniform,
        Normal,
        Gamma(f64),
        Normals(usize),
    }

    fn draws() -> impl Strategy<Value = Draw> {
        prop_oneof![
            (1..=usize::MAX).prop_map(Draw::Below),
            Just(Draw::Unit),
            Just(Draw::Uniform),
            Just(Draw::Normal),
            // Below 1 and above it are two methods; NaN draws nothing.
            prop_oneof![0.05f64..20.0, Just(f64::NAN)].prop_map(Draw::Gamma),
            (0..40usize).prop_map(Draw::Normals),
        ]
    }

    fn draw(stream: &mut Stream, kind: Draw) -> Vec<u64> {
        match kind {
            Draw::Below(bound) => vec![stream.below(bound) as u64],
            Draw::Unit => vec![stream.unit().to_bits()],
            Draw::Uniform => vec![stream.uniform(-3.0, 0.1).to_bits()],
            Draw::Normal => vec![stream.normal().to_bits()],
            Draw::Gamma(shape) => vec![stream.gamma(shape).to_bits()],
            Draw::Normals(count) => {
                let mut out = vec![0.0f32; count];
                stream.fill_normal(&mut out);
                out.into_iter().map(|value| u64::from(value.to_bits())).collect()
            }
        }
    }

    fn through_json(stream: &Stream) -> Stream {
        let text = serde_json::to_string(&stream.state()).unwrap();
        Stream::from_state(&serde_json::from_str(&text).unwrap())
    }

    proptest! {
        /// After every draw, of whatever kind, another stream that is made of the state alone goes on in the
        /// same way.
        #[test]
        fn a_state_is_everything_after_any_draw(seed: u64, kinds in vec(draws(), 1..60)) {
            let mut stream = Key::from_seed(seed).stream("draws");
            for &kind in &kinds {
                let mut resumed = through_json(&stream);
                assert_eq!(resumed.state(), stream.state());
                assert_eq!(draw(&mut resumed, kind), draw(&mut stream, kind), "{kind:?}");
                assert_eq!(resumed.state(), stream.state(), "{kind:?}");
            }
            // All at once from the beginning: a restart between draws has no influence.
            let mut whole = Key::from_seed(seed).stream("draws");
            let mut pieces = Key::from_seed(seed).stream("draws");
            for kind in kinds {
                pieces = through_json(&pieces);
                assert_eq!(draw(&mut whole, kind), draw(&mut pieces, kind));
            }
        }

        /// At any position, odd ones too, near the ends of blocks and buffers and far beyond 2^64 words.
        #[test]
        fn a_state_holds_at_any_position(
            seed: u64,
            block in prop_oneof![0..8u64, any::<u64>()],
            word in 0..16u64,
            kinds in vec(draws(), 1..20),
        ) {
            // A position has 68 bits: 64 of the block, 4 of the word within.
            let state = StreamState {
                position: [block >> 60, (block << 4) | word],
                ..Key::from_seed(seed).stream("draws").state()
            };
            let mut stream = Stream::from_state(&state);
            assert_eq!(stream.state(), state);
            for kind in kinds {
                let mut resumed = through_json(&stream);
                assert_eq!(draw(&mut resumed, kind), draw(&mut stream, kind), "{kind:?}");
            }
        }
    }

    /// Equal to skipping draws: a position counts words of 32 bits, two for each uniform number.
    #[test]
    fn a_position_counts_words() {
        let mut stream = Key::from_seed(1).stream("words");
        let start = stream.state();
        let drawn: Vec<u64> = (0..200).map(|_| stream.unit().to_bits()).collect();
        for (i, value) in drawn.into_iter().enumerate() {
            let state = StreamState { position: [0, 2 * i as u64], ..start.clone() };
            assert_eq!(Stream::from_state(&state).unit().to_bits(), value);
        }
        assert_eq!(stream.state().position, [0, 400]);
    }

    #[test]
    fn streams_are_named_reproducible_and_distinct() {
        let draw = |seed, name: &str| Key::from_seed(seed).stream(name).normal();
        assert_eq!(draw(1, "noise"), draw(1, "noise"));
        assert_ne!(draw(1, "noise"), draw(1, "replay"));
        assert_ne!(draw(1, "noise"), draw(2, "noise"));
    }

    #[test]
    fn a_stream_goes_on_from_its_saved_state() {
        let mut stream = Key::from_seed(3).stream("noise");
        for _ in 0..17 {
            stream.normal();
        }
        let text = serde_json::to_string(&stream.state()).unwrap();
        let mut resumed = Stream::from_state(&serde_json::from_str(&text).unwrap());
        for _ in 0..50 {
            assert_eq!(stream.normal(), resumed.normal());
            assert_eq!(stream.below(7), resumed.below(7));
        }
    }

    #[test]
    fn integers_below_a_bound_are_uniform() {
        let mut stream = Key::from_seed(5).stream("integers");
        let draws = 60_000;
        let mut counts = [0usize; 6];
        for _ in 0..draws {
            counts[stream.below(6)] += 1;
        }
        let expected = draws as f64 / 6.0;
        let sd = (expected * (5.0 / 6.0)).sqrt();
        for count in counts {
            assert!((count as f64 - expected).abs() < 5.0 * sd, "{counts:?}");
        }
    }

    #[test]
    fn normals_have_mean_zero_and_variance_one() {
        let mut stream = Key::from_seed(7).stream("normals");
        let n = 100_000.0;
        let draws: Vec<f64> = (0..n as usize).map(|_| stream.normal()).collect();
        let mean = draws.iter().sum::<f64>() / n;
        let variance = draws.iter().map(|x| x * x).sum::<f64>() / n;
        assert!(mean.abs() < 5.0 / n.sqrt());
        assert!((variance - 1.0).abs() < 5.0 * (2.0 / n).sqrt());
    }

    #[test]
    fn gammas_have_their_shape_as_mean_and_as_variance() {
        let mut stream = Key::from_seed(7).stream("gammas");
        for shape in [0.4, 1.0, 6.0] {
            let n = 100_000.0;
            let draws: Vec<f64> = (0..n as usize).map(|_| stream.gamma(shape)).collect();
            let mean = draws.iter().sum::<f64>() / n;
            let variance = draws.iter().map(|x| (x - shape).powi(2)).sum::<f64>() / n;
            assert!((mean - shape).abs() < 5.0 * (shape / n).sqrt());
            // The fourth central moment is 3 shape^2 + 6 shape.
            assert!((variance - shape).abs() < 5.0 * ((2.0 * shape + 6.0) * shape / n).sqrt());
        }
        assert!(stream.gamma(f64::NAN).is_nan() && stream.gamma(-1.0).is_nan());
    }
}
