//! The real code of the backend over a kernel that is a script: what each call leads to, and what each error number in each
//! call does. And what is only seen of the real kernel.

mod contents;
mod facts;
mod faults;
mod kernel;
mod pages;
mod world;
