//! The stepped engine, the whole way of a case.

use std::hint::black_box;
use std::time::Duration;

use lockfuzz::case::{Case, Scope};
use lockfuzz::engine::{Engine, Stepped};
use lockfuzz::history::History;
use lockfuzz::lock;
use lockfuzz::strategy::{Cases, cases};
use lockfuzz::worker::{self, Launch, Staff};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use tempfile::TempDir;

use super::contest::{Contestant, Row, rate};

/// How many different cases a row has.
pub const CASES: usize = 64;

/// An engine with a folder of its own, and the cases of one row.
pub struct Driver {
    engine: Stepped,
    double: &'static lock::Double,
    cases: Cases,
    runner: TestRunner,
    /// How many of the row's cases were generated since the first.
    nth: usize,
    _folder: TempDir,
}

impl Driver {
    pub fn new(row: &Row) -> Self {
        let folder = row.medium.folder();
        let launch = Launch::new(env!("CARGO_BIN_EXE_lockfuzz"), &["worker"]);
        let staff = Staff::new(folder.path(), launch);
        let &Row { double, placement, workers, .. } = row;
        let cases = cases().lock(double.name).placement(placement).scope(Scope::Session);
        Driver {
            engine: Stepped::new(&staff).expect("the folder can be written"),
            double,
            cases: cases.workers(workers..=workers).overlapping(),
            runner: TestRunner::deterministic(),
            nth: 0,
            _folder: folder,
        }
    }

    /// The next case, by the strategy of a campaign. After [`CASES`] the first comes again, so that
    /// all contestants have the same work.
    fn generate(&mut self) -> Case {
        if self.nth == CASES {
            (self.runner, self.nth) = (TestRunner::deterministic(), 0);
        }
        self.nth += 1;
        self.cases.new_tree(&mut self.runner).expect("there is a case").current()
    }

    /// One case, from nothing to its verdict; for the history's sake.
    pub fn case(&mut self) -> History {
        let case = self.generate();
        let history = self.engine.run(&case).expect("the engine works");
        black_box(self.engine.judge(&case, self.double.promised(), &history));
        history
    }
}

impl Contestant for Driver {
    fn rate(&mut self, time: Duration) -> f64 {
        rate(time, || drop(self.case()))
    }
}

/// Two drivers, each with all its workers on a core of its own.
pub struct Jobs([(usize, Driver); 2]);

impl Jobs {
    pub fn new(row: &Row, cores: [usize; 2]) -> Self {
        Jobs(cores.map(|core| (core, Driver::new(row))))
    }
}

impl Contestant for Jobs {
    fn rate(&mut self, time: Duration) -> f64 {
        std::thread::scope(|scope| {
            let start = |(core, driver): &mut (usize, Driver)| {
                worker::pin(*core).expect("one of our cores");
                driver.rate(time)
            };
            let jobs = self.0.each_mut().map(|job| scope.spawn(move || start(job)));
            jobs.map(|job| job.join().expect("a driver does not panic")).iter().sum()
        })
    }
}
