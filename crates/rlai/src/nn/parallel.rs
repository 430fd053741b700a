use std::sync::Arc;

use rayon::{ThreadPool, ThreadPoolBuilder};

/// One or two threads that work on two tasks.
///
/// What the tasks are never depends on the number of threads, so results do not either.
#[derive(Clone)]
pub struct Team {
    pool: Option<Arc<ThreadPool>>,
}

impl Team {
    /// A team of this many threads; more than two are of no use to it.
    ///
    /// # Errors
    /// When the threads cannot be started.
    pub fn new(threads: usize) -> std::io::Result<Self> {
        if threads < 2 {
            return Ok(Self { pool: None });
        }
        let pool = ThreadPoolBuilder::new()
            .num_threads(2)
            .thread_name(|index| format!("rlai-{index}"))
            .build()
            .map_err(std::io::Error::other)?;
        Ok(Self { pool: Some(Arc::new(pool)) })
    }

    /// Runs `work` on the team, so that each [`Team::both`] inside it finds the threads awake.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.pool {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }

    /// Does both tasks, at the same time if there are two threads.
    pub fn both<A: Send, B: Send>(
        &self,
        a: impl FnOnce() -> A + Send,
        b: impl FnOnce() -> B + Send,
    ) -> (A, B) {
        match &self.pool {
            Some(pool) => pool.join(a, b),
            None => (a(), b()),
        }
    }
}
