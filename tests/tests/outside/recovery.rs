//! An ion whose worker dies is started again, and the page says so.

use ionosphere_tests::mission;

use crate::{turn, two_tabs};

#[tokio::test]
async fn a_dead_ion_is_replaced_by_itself_with_a_word_to_the_user() {
    let _turn = turn().await;
    let (_relay, _browser, first, second) = two_tabs().await;
    let before = mission::self_name(&first).await;
    // What a crash of the worker's process looks like: it is silent from now on.
    first.run("ionosphere.worker.terminate();").await;
    let said = mission::problem(&first, "stopped and was started again").await;
    assert!(said.contains("joins again by itself"), "{said}");
    mission::joined(&first).await;
    mission::counts_ions(&first, 2).await;
    mission::counts_ions(&second, 2).await;
    assert_eq!(mission::self_name(&first).await, before, "it came back as another ion");
    mission::open_spark(&first, "mandelbrot").await;
    mission::run(&first).await;
    assert_eq!(mission::ended(&first).await, "finished");
}
