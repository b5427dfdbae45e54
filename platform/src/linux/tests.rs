//! The real code of the backend over a kernel that is a script: what each call leads to, and what
//! each error number in each call does. And what is only seen of the real kernel.

mod budget;
mod contents;
mod dimms;
mod direct;
mod disk;
mod facts;
mod faults;
mod health;
mod hostile;
mod inject;
mod kernel;
mod machine;
mod medium;
mod pages;
mod place_faults;
mod places;
mod regions;
mod reuse;
mod transfers;
mod volumes;
mod world;
