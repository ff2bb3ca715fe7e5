//! Where the workers can be interrupted, in the words of their notes, and which of these steps depend on
//! each other.

use std::collections::BTreeSet;

use crate::history::{Event, History, What};
use crate::lock::Double;
use crate::schedule::Wid;
use crate::stage::Access;

/// A step that a worker took somewhere, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// `create_new "lock"`
    pub step: String,
    /// `ok`, `exists`: in the order in which they came up.
    pub ended: Vec<String>,
}

/// The points of all workers.
#[derive(Clone, Debug, Default)]
pub struct Points {
    /// By worker.
    workers: Vec<Vec<Point>>,
    /// Pairs of places in these lists: worker and place, the lower worker first.
    dependent: BTreeSet<[(usize, usize); 2]>,
}

impl Points {
    pub(crate) fn new(workers: u32) -> Self {
        Points { workers: vec![Vec::new(); workers as usize], dependent: BTreeSet::new() }
    }

    /// The points of this worker, in the order in which they came up.
    pub fn of(&self, worker: Wid) -> &[Point] {
        &self.workers[worker as usize - 1]
    }

    /// Pairs of points of different workers that touched the same thing in some execution, and one of
    /// them changed it.
    pub fn dependent(&self) -> impl Iterator<Item = [(Wid, &Point); 2]> {
        let point = |(worker, nth): (usize, usize)| (worker as Wid + 1, &self.workers[worker][nth]);
        self.dependent.iter().map(move |pair| pair.map(point))
    }

    /// How many pairs of points of different workers there are.
    pub fn pairs(&self) -> usize {
        let sizes: Vec<usize> = self.workers.iter().map(Vec::len).collect();
        (0..sizes.len()).map(|one| sizes[one] * sizes[one + 1..].iter().sum::<usize>()).sum()
    }

    /// Takes in what an execution shows: its history, and what each step of each worker touched.
    pub(super) fn meet(&mut self, lock: &Double, history: &History, steps: &[Vec<Vec<Access>>]) {
        let mut all = Vec::new();
        for (worker, steps) in steps.iter().enumerate() {
            let events = history.events.iter().filter(|event| event.worker as usize == worker + 1);
            let mut words = events.filter_map(|event| words(lock, event));
            for accesses in steps {
                let (step, ended) = words.next().unwrap_or_else(|| ("a step".to_owned(), String::new()));
                all.push((worker as Wid + 1, step, ended, accesses.as_slice()));
            }
        }
        self.take(all);
    }

    /// The same with the steps of an execution in words: who, what, how it ended, and what it touched.
    pub(crate) fn take(&mut self, steps: Vec<(Wid, String, String, &[Access])>) {
        let mut met: Vec<(usize, usize, &[Access])> = Vec::new();
        for (worker, step, ended, accesses) in steps {
            let worker = worker as usize - 1;
            let place = self.place(worker, step, ended);
            met.push((worker, place, accesses));
        }
        for (nth, one) in met.iter().enumerate() {
            for two in met[nth + 1..].iter().filter(|two| two.0 != one.0) {
                let mut pair = [(one.0, one.1), (two.0, two.1)];
                pair.sort_unstable();
                if !self.dependent.contains(&pair) && depend(one.2, two.2) {
                    self.dependent.insert(pair);
                }
            }
        }
    }

    fn place(&mut self, worker: usize, step: String, ended: String) -> usize {
        let points = &mut self.workers[worker];
        let place = points.iter().position(|point| point.step == step).unwrap_or_else(|| {
            points.push(Point { step, ended: Vec::new() });
            points.len() - 1
        });
        if !points[place].ended.contains(&ended) {
            points[place].ended.push(ended);
        }
        place
    }
}

fn depend(one: &[Access], two: &[Access]) -> bool {
    let touches = |one: &Access| two.iter().any(|two| one.depends_on(*two));
    one.is_empty() || two.is_empty() || one.iter().any(touches)
}

/// The step that ended with this event, if one did, and how.
fn words(lock: &Double, event: &Event) -> Option<(String, String)> {
    let (step, ended) = match &event.what {
        What::Note(text) => text.rsplit_once(": ").unwrap_or((text, "")),
        What::Slept(_) => ("sleep", ""),
        What::Refused => ("use the shared file", "refused"),
        What::Wrote => ("write the shared file", "ok"),
        What::Read(seen) => return Some(("read the shared file".to_owned(), seen.to_string())),
        What::Locked if lock.atomic => ("take the lock", "got it"),
        What::Blocked if lock.atomic => ("take the lock", "would block"),
        What::Unlocked if lock.atomic => ("give the lock back", "ok"),
        _ => return None,
    };
    Some((step.to_owned(), ended.to_owned()))
}
