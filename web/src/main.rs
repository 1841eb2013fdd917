//! The page's entry.

fn main() {
    web::page::start();
}
