//! Small programs with a bug that only some interleavings show, each written once for every contestant.
//!
//! Their names are those of SCTBench (Paul Thomson, Alastair Donaldson, Adam Betts, "Concurrency Testing
//! Using Schedule Bounding: an Empirical Study", 2014), where they are described; so are reorder and
//! twostage, which go back to Niloofar Razavi, Azadeh Farzan, Sheila McIlraith, "Generating Effective Tests
//! for Concurrent Programs via AI Automated Planning Techniques", 2014. Written anew from the descriptions.

mod cells;
mod files;
mod locks;
pub mod ours;

use std::ops::DerefMut;
use std::sync::Arc;

/// Whoever brings memory and mutexes of their own, each access a place where another may go on.
pub trait World: Send + Sync + 'static {
    /// A number that is read and written as a whole.
    type Cell: Cell;
    /// A mutex.
    type Mutex<T: Send + 'static>: Mutex<T>;

    /// Another may go on before the call of `lockfuzz::fs` that comes next, if that is not so anyway.
    fn before_file_call();
}

/// See [`World::Cell`].
pub trait Cell: Send + Sync + 'static {
    /// Of this name, with this value.
    fn new(name: String, value: i32) -> Self;
    /// Looks at it.
    fn load(&self) -> i32;
    /// Changes it.
    fn store(&self, value: i32);
    /// Adds to it in one step, and says what it is then.
    fn add(&self, more: i32) -> i32;
}

/// See [`World::Mutex`].
pub trait Mutex<T>: Send + Sync + 'static {
    /// What is locked, until it is dropped.
    type Held<'a>: DerefMut<Target = T>
    where
        Self: 'a;
    /// Of this name, around this value.
    fn new(name: String, value: T) -> Self;
    /// Locks it.
    fn lock(&self) -> Self::Held<'_>;
}

/// What the workers of one execution share, and what they do. A bug shows itself by a panic or a deadlock.
pub trait Run: Send + Sync {
    /// The part of this worker, counted from 1.
    fn work(&self, worker: u32);
    /// What must hold when all are done.
    fn check(&self) {}
}

/// One kernel of one size.
#[derive(Clone)]
pub struct Kernel {
    /// Its name.
    pub name: String,
    /// How many workers it has.
    pub workers: u32,
    /// A fresh beginning.
    pub make: Arc<dyn Fn() -> Arc<dyn Run> + Send + Sync>,
}

impl Kernel {
    fn new<R: Run + 'static>(
        name: impl Into<String>,
        workers: u32,
        make: impl Fn() -> R + Send + Sync + 'static,
    ) -> Self {
        Kernel { name: name.into(), workers, make: Arc::new(move || Arc::new(make())) }
    }
}

/// The sizes of reorder that have aims.
pub const REORDER: [u32; 5] = [3, 5, 10, 20, 50];

/// All that have a bug.
pub fn broken<W: World>() -> Vec<Kernel> {
    let reorder = REORDER.into_iter().map(cells::reorder::<W>);
    let twostage = [2, 5, 20].into_iter().map(locks::twostage::<W>);
    let rest = [
        cells::bluetooth::<W>(),
        locks::account::<W>(),
        locks::lazy::<W>(),
        locks::stack::<W>(),
        locks::queue::<W>(),
        locks::circular_buffer::<W>(),
        locks::token_ring::<W>(),
        locks::wronglock::<W>(4),
        locks::deadlock::<W>(),
        locks::carter::<W>(),
        locks::philosophers::<W>(5),
    ];
    reorder.chain(twostage).chain(rest).collect()
}

/// Without a bug: they are run for their speed.
pub fn sound<W: World>() -> Vec<Kernel> {
    vec![
        cells::reordered::<W>(3),
        cells::reordered::<W>(10),
        cells::reordered::<W>(50),
        locks::counters::<W>(2),
        locks::counters::<W>(10),
        files::lock_file::<W>(2, 1),
        files::lock_file::<W>(2, 16),
    ]
}
