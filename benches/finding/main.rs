//! How many executions does it take to find a bug, and how many are there in a second?
//!
//! Three tables, each of which takes turns between the schedulers of lockfuzz and those of shuttle 0.9.9 in
//! one run: small programs with a bug (`kernels`), the broken locks of the zoo (`zoo`, lockfuzz only), and
//! the speed on programs without one (`speed`).
//!
//! `cargo bench --bench finding` takes some minutes. Words pick tables and rows (`-- reorder_50`), `--quick`
//! takes three seeds of twenty. shuttle says on stderr what it finds: `2>/dev/null`.

#[path = "../kernels/mod.rs"]
mod kernels;
mod ours;
mod peer;
mod speed;
mod table;

use std::env;

use lockfuzz::worker;

fn main() {
    // Cargo says `--bench` to every benchmark.
    let words: Vec<String> = env::args().skip(1).filter(|word| word != "--bench").collect();
    let quick = words.iter().any(|word| word == "--quick");
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|&word| word != "--quick").collect();
    let asked = |name: &str| words.is_empty() || words.contains(&name);
    // Before any worker is made: workers stay where their driver is.
    worker::pin(worker::cores().expect("a process has cores")[0]).expect("its own core");
    let seeds = if quick { 3 } else { 20 };
    table::kernels(seeds, if quick { 300 } else { 10_000 }, |name| asked(name) || asked("kernels"));
    table::zoo(seeds, |name| asked(name) || asked("zoo"));
    speed::run(quick, |name| asked(name) || asked("speed"));
}
