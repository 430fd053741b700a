//! The training step as a whole: it allocates nothing, and neither threads nor kernels change what it computes.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rlai::Trainer;
use rlai::agent::Agent;
use rlai::env::{ActionShape, make_builtin};
use rlai::nn::Scalar;
use rlai::random::Key;
use rlai::replay::{Batch, ReplayBuffer, Transition};
use rlai::train::{Objective, TrainConfig};

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, counting what all threads ask of it.
struct Counting;

// SAFETY: every call goes to the system's allocator unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises about `layout` are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `alloc` above with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Held by each test: allocations are counted for the whole process.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn trainer(objective: Objective, task: &str, threads: usize) -> Trainer {
    let env = make_builtin(task).unwrap();
    let shape = ActionShape::from(env.action_space());
    let mut config = TrainConfig::for_actions(objective, &shape);
    (config.hidden, config.batch, config.threads) = (vec![40, 24], 32, threads);
    (config.learning_starts, config.steps) = (50, 100_000);
    Trainer::new(config, env, make_builtin(task).unwrap()).unwrap()
}

/// 300 steps, the ends of episodes among them.
#[test]
fn nothing_is_allocated_after_the_first_steps() {
    let _alone = ONE_AT_A_TIME.lock();
    for threads in [1, 2] {
        for (objective, task) in [
            (Objective::ReverseKl, "Pendulum-v1"),
            (Objective::ForwardKl, "Pendulum-v1"),
            (Objective::Mpo, "Pendulum-v1"),
            (Objective::Awac, "Pendulum-v1"),
            (Objective::ReverseKlAllActions, "CartPole-v1"),
            (Objective::ForwardKlAllActions, "CartPole-v1"),
        ] {
            let mut trainer = trainer(objective, task, threads);
            for _ in 0..300 {
                trainer.advance().unwrap();
            }
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            for _ in 0..300 {
                trainer.advance().unwrap();
            }
            let count = ALLOCATIONS.load(Ordering::Relaxed) - before;
            assert_eq!(count, 0, "{objective:?} on {task}, {threads} threads");
        }
    }
    assert!(ALLOCATIONS.load(Ordering::Relaxed) > 0, "the counter counts");
}

const SIZES: (usize, usize) = (17, 6);

fn agent<T: Scalar>(objective: Objective, threads: usize) -> Agent<T> {
    let mut config = TrainConfig::defaults(objective, SIZES.1);
    (config.threads, config.hidden, config.batch) = (threads, vec![64, 64], 96);
    Agent::new(&config, SIZES.0, &ActionShape::of_box(SIZES.1)).unwrap()
}

/// 1,000 transitions of normal observations, rewards that an action decides.
fn replay() -> ReplayBuffer {
    let mut random = Key::from_seed(6).stream("replay");
    let mut buffer = ReplayBuffer::new(1_000, SIZES.0, SIZES.1, None).unwrap();
    let (mut seen, mut action) = ([0.0f32; SIZES.0], [0.0f32; SIZES.1]);
    random.fill_normal(&mut seen);
    buffer.begin(&seen);
    for _ in 0..1_000 {
        random.fill_normal(&mut seen);
        random.fill_normal(&mut action);
        action = action.map(f32::tanh);
        buffer.push(&Transition {
            action: &action,
            log_density: -2.0,
            reward: action[0] * seen[0],
            terminated: false,
            truncated: false,
            next_observation: &seen,
        });
    }
    buffer
}

fn after_updates<T: Scalar>(
    mut agent: Agent<T>,
    buffer: &ReplayBuffer,
    updates: usize,
) -> Agent<T> {
    let mut random = Key::from_seed(7).stream("sampling");
    let mut batch = Batch::new(96, SIZES.0, SIZES.1);
    for _ in 0..updates {
        buffer.sample(&mut random, 96, 1, 0.99, &mut batch);
        agent.update(&batch, 1.0).unwrap();
    }
    agent
}

#[test]
fn two_threads_give_the_same_bits_as_one() {
    let _alone = ONE_AT_A_TIME.lock();
    let buffer = replay();
    for objective in [Objective::ReverseKl, Objective::ForwardKl] {
        let [one, two] = [1, 2].map(|threads| {
            let agent = after_updates(agent::<f32>(objective, threads), &buffer, 200);
            let bits = |numbers: &[f32]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            let critics = [0, 1].map(|index| bits(agent.critic_parameters(index)));
            (bits(agent.policy_parameters()), critics, agent.alpha().to_bits())
        });
        assert!(one == two, "{objective:?}");
        // The whole loop, batches drawn and loaded by both threads included.
        let [one, two] = [1, 2].map(|threads| {
            let mut trainer = trainer(objective, "Pendulum-v1", threads);
            for _ in 0..400 {
                trainer.advance().unwrap();
            }
            trainer.agent().parameters_blake3()
        });
        assert_eq!(one, two, "{objective:?}");
    }
}

/// Fused kernels in single precision against plain passes in double precision: the networks differ by rounding.
#[test]
fn kernels_learn_what_plain_passes_learn() {
    let _alone = ONE_AT_A_TIME.lock();
    let buffer = replay();
    for objective in [Objective::ReverseKl, Objective::ForwardKl] {
        let fast = after_updates(agent::<f32>(objective, 2), &buffer, 100);
        let plain = after_updates(agent::<f64>(objective, 1), &buffer, 100);
        let apart = |a: &[f32], b: &[f64]| {
            let squared = |x: f64| x * x;
            let error: f64 = a.iter().zip(b).map(|(&a, &b)| squared(f64::from(a) - b)).sum();
            (error / b.iter().map(|&b| squared(b)).sum::<f64>()).sqrt()
        };
        let policy = apart(fast.policy_parameters(), plain.policy_parameters());
        let critic = apart(fast.critic_parameters(0), plain.critic_parameters(0));
        let start = agent::<f64>(objective, 1);
        let moved = apart(fast.policy_parameters(), start.policy_parameters());
        assert!(moved > 1e-2, "the policy has learned something: {moved}");
        assert!(policy < 1e-4 && critic < 1e-4, "{objective:?}: {policy} {critic}");
    }
}
