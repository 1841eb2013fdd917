//! Natively the fast lane is wasmtime.

pub(crate) use core::prelude::v1::test;
