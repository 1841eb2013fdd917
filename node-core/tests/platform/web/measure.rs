//! How fast a disk is against what the browser itself can do, in one run. No
//! test: run it with `--include-ignored --nocapture measure`, on a quiet machine.

use node_core::platform::{
    Disk, Platform, Time,
    disk::{Changes, Table},
    web::{WebDisk, WebPlatform},
};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{disk::promised, javascript, platform};
use crate::conformance::{open_disk, varied};

/// Plain `IndexedDB`, as fast as one can write it by hand.
const RAW: &str = "
    globalThis.raw = {
        async open() {
            return new Promise((resolve) => {
                const request = indexedDB.open(name + '-raw', 1);
                request.onupgradeneeded = () => request.result.createObjectStore('a');
                request.onsuccess = () => resolve(request.result);
            });
        },
        done(transaction) {
            return new Promise((resolve, reject) => {
                transaction.oncomplete = resolve;
                transaction.onabort = () => reject(transaction.error);
            });
        },
        key(n) { return new Uint8Array([n >> 24, n >> 16, n >> 8, n]); },
        async write(count, bytes, batch, durability) {
            const values = Array.from({ length: count }, (_, n) => {
                const value = new Uint8Array(bytes);
                for (let at = 0; at < bytes; at += 65536)
                    crypto.getRandomValues(value.subarray(at, at + 65536));
                return value;
            });
            const start = performance.now();
            for (let n = 0; n < count; n += batch) {
                const transaction = raw.database.transaction('a', 'readwrite', { durability });
                const store = transaction.objectStore('a');
                for (let i = n; i < n + batch && i < count; i++) store.put(values[i], raw.key(i));
                await raw.done(transaction);
            }
            return performance.now() - start;
        },
        async read(count, bytes, batch) {
            const start = performance.now();
            let total = 0;
            for (let n = 0; n < count; n += batch) {
                const transaction = raw.database.transaction('a', 'readonly');
                const store = transaction.objectStore('a');
                const requests = [];
                for (let i = n; i < n + batch && i < count; i++) requests.push(store.get(raw.key(i)));
                await raw.done(transaction);
                for (const request of requests) total += request.result.length;
            }
            if (total !== count * bytes) throw new Error('read ' + total);
            return performance.now() - start;
        },
    };
    return raw.open().then((database) => { raw.database = database; });";

const BLOCK: usize = 256 << 10;
const BLOCKS: u32 = 128;
const ROUNDS: usize = 5;

#[wasm_bindgen_test]
#[ignore = "a measurement"]
async fn blocks_against_plain_indexed_db() {
    let platform = platform();
    let disk = start(&platform).await;
    let blocks: Vec<Vec<u8>> = (0..BLOCKS).map(|n| varied(BLOCK, n + 1)).collect();
    for round in 0..ROUNDS {
        for batch in [1, 8, 16, 32, 64] {
            let raw_in = raw("write", &format!("{BLOCKS}, {BLOCK}, {batch}, 'relaxed'")).await;
            let ours_in = write(&platform, &disk, &blocks, batch).await;
            let raw_out = raw("read", &format!("{BLOCKS}, {BLOCK}, {batch}")).await;
            let ours_out = read(&platform, &disk, batch).await;
            let rate = |ms: f64| f64::from(BLOCKS) / 4.0 / ms * 1_000.0;
            say(&format!(
                "round {round}, {batch} a transaction: MiB/s in {:.0} raw {:.0} ours, out {:.0} raw {:.0} ours",
                rate(raw_in),
                rate(ours_in),
                rate(raw_out),
                rate(ours_out),
            ));
        }
    }
}

#[wasm_bindgen_test]
#[ignore = "a measurement"]
async fn small_puts_relaxed_and_strict() {
    let platform = platform();
    let disk = start(&platform).await;
    let small: Vec<Vec<u8>> = (0..128).map(|n| varied(256, n + 1)).collect();
    for round in 0..ROUNDS {
        for batch in [1, 64] {
            let relaxed = raw("write", &format!("128, 256, {batch}, 'relaxed'")).await;
            let strict = raw("write", &format!("128, 256, {batch}, 'strict'")).await;
            let ours = write(&platform, &disk, &small, batch).await;
            let each = |ms: f64| ms / (128.0 / batch as f64);
            say(&format!(
                "round {round}, {batch} puts a transaction: ms each {:.2} relaxed {:.2} strict {:.2} ours",
                each(relaxed),
                each(strict),
                each(ours),
            ));
        }
    }
}

async fn start(platform: &WebPlatform) -> WebDisk {
    promised(RAW, &crate::conformance::fresh_name(platform)).await;
    open_disk(platform).await
}

async fn raw(what: &str, arguments: &str) -> f64 {
    let took = promised(&format!("return raw.{what}({arguments});"), "").await;
    took.as_f64().expect("a number of milliseconds")
}

async fn write(platform: &WebPlatform, disk: &WebDisk, values: &[Vec<u8>], batch: usize) -> f64 {
    let mut all = Vec::new();
    for (values, at) in values.chunks(batch).zip((0u32..).step_by(batch)) {
        let changes = values.iter().zip(at..).fold(Changes::new(), |all, (value, n)| {
            all.put(Table::Chunks, n.to_be_bytes(), value.clone())
        });
        all.push(changes);
    }
    let start = platform.now();
    for changes in all {
        disk.write(changes).await.expect("write");
    }
    since(platform, start)
}

async fn read(platform: &WebPlatform, disk: &WebDisk, batch: usize) -> f64 {
    let start = platform.now();
    for at in (0..BLOCKS).step_by(batch) {
        let keys = (at..BLOCKS).take(batch).map(|n| n.to_be_bytes().to_vec()).collect();
        let found = disk.get(Table::Chunks, keys).await.expect("get");
        assert!(found.iter().all(|value| value.as_ref().is_some_and(|v| v.len() == BLOCK)));
    }
    since(platform, start)
}

fn since(platform: &WebPlatform, start: Time) -> f64 {
    platform.now().since_ms(start).max(1) as f64
}

fn say(text: &str) {
    javascript("console.log(name);", text);
}
