//! What needs no fault: the copy against bytes, the judgement of made-up ones, and an installation into a system that fails.

mod copies;
mod installation;
mod judgement;
