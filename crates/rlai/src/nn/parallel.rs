//! Two threads that work on two tasks, with a hand-over of well under a microsecond.
//!
//! An update hands over some fifteen times, a few microseconds to a millisecond of work each. A thread pool that
//! puts its threads to sleep in between wakes them too late for that; this worker looks for work for about
//! a millisecond before it sleeps, longer than a task's step takes.

use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::thread::{JoinHandle, Thread};

/// One or two threads that work on two tasks.
///
/// The default is one. What the tasks are never depends on the number of threads, so results do not either.
#[derive(Clone, Default)]
pub struct Team {
    worker: Option<Arc<Worker>>,
}

impl Team {
    /// A team of this many threads; more than two are of no use to it.
    ///
    /// # Errors
    /// When the threads cannot be started.
    pub fn new(threads: usize) -> std::io::Result<Self> {
        let worker = if threads < 2 { None } else { Some(Arc::new(Worker::start()?)) };
        Ok(Self { worker })
    }

    /// Does both tasks, at the same time if there are two threads and the second is free, otherwise one after the
    /// other in either order.
    ///
    /// # Panics
    /// When a task does; no task is then still at work.
    pub fn both<A: Send, B: Send>(
        &self,
        a: impl FnOnce() -> A + Send,
        b: impl FnOnce() -> B + Send,
    ) -> (A, B) {
        match &self.worker {
            Some(worker) => worker.both(a, b),
            None => (a(), b()),
        }
    }
}

/// The second thread.
struct Worker {
    desk: Arc<Desk>,
    thread: Option<JoinHandle<()>>,
}

/// Where work is laid down for the worker.
struct Desk {
    /// The job that waits, if any. Whoever takes it away does it.
    waiting: AtomicPtr<Job>,
    asleep: AtomicBool,
    closed: AtomicBool,
}

/// What the worker sees of a task: lies at the beginning of a [`Task`].
struct Job {
    /// Does the task of which this job is the beginning.
    run: unsafe fn(*mut Job),
    done: AtomicBool,
}

#[repr(C)]
struct Task<F, R> {
    job: Job,
    work: UnsafeCell<Option<F>>,
    result: UnsafeCell<Option<Result<R, Box<dyn Any + Send>>>>,
}

/// How often the worker looks for work before it sleeps: about a millisecond.
const LOOKS: u32 = 40_000;
/// How often the caller looks whether the worker is done before it lets others have the core.
const PATIENCE: u32 = 20_000;

impl<F: FnOnce() -> R + Send, R: Send> Task<F, R> {
    fn new(work: F) -> Self {
        let job = Job { run: Self::run, done: AtomicBool::new(false) };
        Self { job, work: UnsafeCell::new(Some(work)), result: UnsafeCell::new(None) }
    }

    /// # Safety
    /// `job` is the beginning of a live task of this type, which nobody else runs.
    unsafe fn run(job: *mut Job) {
        // SAFETY: the caller's promise; `repr(C)` puts the job first.
        unsafe {
            let task = job.cast::<Self>();
            if let Some(work) = (*(*task).work.get()).take() {
                *(*task).result.get() = Some(catch_unwind(AssertUnwindSafe(work)));
            }
            // From here on the task may be gone.
            (*job).done.store(true, Ordering::Release);
        }
    }
}

impl Worker {
    fn start() -> std::io::Result<Self> {
        let desk = Arc::new(Desk {
            waiting: AtomicPtr::new(null_mut()),
            asleep: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        });
        let own = Arc::clone(&desk);
        let thread = std::thread::Builder::new().name("rlai-1".into()).spawn(move || own.work())?;
        Ok(Self { desk, thread: Some(thread) })
    }

    fn both<A: Send, B: Send>(
        &self,
        a: impl FnOnce() -> A + Send,
        b: impl FnOnce() -> B + Send,
    ) -> (A, B) {
        let mut task = Task::new(b);
        let job = (&raw mut task).cast::<Job>();
        if !self.desk.lay_down(job, self.thread.as_ref().map(JoinHandle::thread)) {
            // Another call is under way, or this one comes from a task.
            // SAFETY: nobody else has seen the task.
            unsafe { ((*job).run)(job) };
            return (a(), task.finish());
        }
        // The task must not be left while the worker may be at it, whatever `a` does.
        let first = catch_unwind(AssertUnwindSafe(a));
        if self.desk.take_back(job) {
            // SAFETY: taken back, the task is this thread's alone.
            unsafe { ((*job).run)(job) };
        } else {
            wait_for(&task.job.done);
        }
        match first {
            Ok(first) => (first, task.finish()),
            Err(panic) => resume_unwind(panic),
        }
    }
}

impl<F, R> Task<F, R> {
    /// The result of a task that is done.
    fn finish(self) -> R {
        match self.result.into_inner().expect("the task is done") {
            Ok(result) => result,
            Err(panic) => resume_unwind(panic),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.desk.closed.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // Tasks catch their panics: the thread has none of its own.
            let _ = thread.join();
        }
    }
}

impl Desk {
    /// Lays a job down, unless one lies there.
    fn lay_down(&self, job: *mut Job, worker: Option<&Thread>) -> bool {
        let free =
            self.waiting.compare_exchange(null_mut(), job, Ordering::SeqCst, Ordering::Relaxed);
        if free.is_err() {
            return false;
        }
        // Either this sees that the worker sleeps, or the worker sees the job before it does.
        if self.asleep.load(Ordering::SeqCst)
            && let Some(worker) = worker
        {
            worker.unpark();
        }
        true
    }

    /// Takes a job back that the worker has not taken.
    fn take_back(&self, job: *mut Job) -> bool {
        let taken =
            self.waiting.compare_exchange(job, null_mut(), Ordering::SeqCst, Ordering::Relaxed);
        taken.is_ok()
    }

    /// The worker's life.
    fn work(&self) {
        let mut looks = 0;
        while !self.closed.load(Ordering::Relaxed) {
            let job = self.waiting.load(Ordering::Relaxed);
            if !job.is_null() && self.take_back(job) {
                // SAFETY: whoever laid it down waits until it is done.
                unsafe { ((*job).run)(job) };
                looks = 0;
            } else if looks < LOOKS {
                looks += 1;
                std::hint::spin_loop();
            } else {
                self.sleep();
                looks = 0;
            }
        }
    }

    fn sleep(&self) {
        self.asleep.store(true, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst).is_null() && !self.closed.load(Ordering::SeqCst) {
            std::thread::park();
        }
        self.asleep.store(false, Ordering::SeqCst);
    }
}

fn wait_for(done: &AtomicBool) {
    let mut looks = 0;
    while !done.load(Ordering::Acquire) {
        if looks < PATIENCE {
            looks += 1;
            std::hint::spin_loop();
        } else {
            std::thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn both_results_come_back_whatever_the_threads() {
        for threads in [1, 2] {
            let team = Team::new(threads).unwrap();
            let mut numbers = vec![0u64; 1000];
            for round in 1..3000u64 {
                let (left, right) = numbers.split_at_mut(500);
                let add = |half: &mut [u64]| {
                    half.iter_mut().for_each(|x| *x += round);
                    half.len() as u64 + round
                };
                assert_eq!(team.both(|| add(left), || add(right)), (500 + round, 500 + round));
            }
            assert!(numbers.iter().all(|&x| x == 2999 * 3000 / 2));
        }
    }

    #[test]
    fn two_threads_are_at_work_at_once() {
        let team = Team::new(2).unwrap();
        let barrier = std::sync::Barrier::new(2);
        // Only if each task runs while the other does does anybody pass.
        let meet = || barrier.wait().is_leader();
        let (a, b) = team.both(meet, || barrier.wait().is_leader());
        assert!(a != b);
    }

    #[test]
    fn a_worker_that_sleeps_is_woken() {
        let team = Team::new(2).unwrap();
        for _ in 0..3 {
            std::thread::sleep(Duration::from_millis(60));
            let barrier = std::sync::Barrier::new(2);
            team.both(|| barrier.wait(), || barrier.wait());
        }
    }

    #[test]
    fn calls_within_tasks_and_from_many_threads_work() {
        let team = Team::new(2).unwrap();
        let inner = || team.both(|| 1, || 2);
        assert_eq!(team.both(inner, || team.both(|| 3, || 4)), ((1, 2), (3, 4)));
        std::thread::scope(|scope| {
            for id in 0..4 {
                let team = team.clone();
                scope.spawn(move || {
                    for i in 0..2000 {
                        assert_eq!(team.both(|| (id, i), || (i, id)), ((id, i), (i, id)));
                    }
                });
            }
        });
    }

    #[test]
    fn a_panic_of_either_task_reaches_the_caller_and_the_team_goes_on() {
        let team = Team::new(2).unwrap();
        for side in [0, 1] {
            let fail = |when: usize| if when == side { panic!("as wanted") } else { when };
            let result = catch_unwind(AssertUnwindSafe(|| team.both(|| fail(0), || fail(1))));
            assert!(result.is_err());
            assert_eq!(team.both(|| 5, || 6), (5, 6));
        }
    }
}
