"""SQLite's own locking: each worker adds one to a counter, in a transaction that has the lock from its first line.
Broken: it reads the counter before the transaction begins.

`make wal` and `make delete` make the database, with a journal of that kind."""

import os
import sqlite3
import sys

broken = sys.argv[1:] == ["broken"]


def make(path, journal):
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA journal_mode = {journal}")
    db.executescript("CREATE TABLE counter (n); INSERT INTO counter VALUES (0); CREATE TABLE done (worker)")


def count(db):
    return db.execute("SELECT n FROM counter").fetchone()[0]


def add_one():
    db = sqlite3.connect("db", timeout=10, isolation_level=None)
    before = count(db) if broken else None
    db.execute("BEGIN IMMEDIATE")
    os.path.exists("lockfuzz:enter")
    n = before if broken else count(db)
    db.execute("UPDATE counter SET n = ?", (n + 1,))
    db.execute("INSERT INTO done VALUES (?)", (os.environ["LOCKFUZZ_WORKER"],))
    done = db.execute("SELECT count(*) FROM done").fetchone()[0]
    os.path.exists("lockfuzz:leave")
    db.execute("COMMIT")
    if done != n + 1:
        sys.exit(f"{done} workers have counted, and the counter says {n + 1}")


if sys.argv[1:2] == ["make"]:
    make(*sys.argv[2:])
else:
    try:
        add_one()
    except sqlite3.OperationalError as why:
        sys.exit(75 if "locked" in str(why) else str(why))
