//! A code that is read by the camera.

use std::time::Duration;

use ionosphere_tests::{
    browser::{Browser, Hidden},
    folder::Folder,
    mission,
    relay::Relay,
};
use qrcodegen::{QrCode, QrCodeEcc};

use crate::{
    mesh::{show_code, take_answer, without_relay},
    turn,
};

/// A camera's film of a QR code of that text, as a YUV4MPEG2 file.
fn film(text: &str) -> Vec<u8> {
    const SIDE: i32 = 720;
    const SQUARE: i32 = 6;
    const DARK: u8 = 40;
    const LIGHT: u8 = 220;
    const GREY: u8 = 128;
    let code = QrCode::encode_text(text, QrCodeEcc::Low).expect("it is short");
    let edge = (SIDE - code.size() * SQUARE) / 2;
    assert!(edge >= 4 * SQUARE, "a code of {} squares and a quiet zone fit", code.size());
    let square = |place: i32| (place - edge).div_euclid(SQUARE);
    let is_dark = |x: i32, y: i32| code.get_module(square(x), square(y));
    let picture = (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (x, y)));
    let mut film =
        format!("YUV4MPEG2 W{SIDE} H{SIDE} F10:1 Ip A1:1 C420jpeg\nFRAME\n").into_bytes();
    film.extend(picture.map(|(x, y)| if is_dark(x, y) { DARK } else { LIGHT }));
    film.extend(std::iter::repeat_n(
        GREY,
        usize::try_from(SIDE * SIDE / 2).expect("it is positive"),
    ));
    film
}

#[tokio::test]
async fn a_code_is_read_by_the_camera() {
    let _turn = turn().await;
    let mut relay = Relay::start();
    let browser = Browser::start().await;
    let shows = browser.open(&relay.url("/")).await;
    mission::joined(&shows).await;
    mission::invite(&shows, "apart").await;
    mission::counts_ions(&shows, 1).await;
    let offer = show_code(&shows).await;
    let folder = Folder::new();
    let path = folder.path().join("code.y4m");
    std::fs::write(&path, film(&offer)).expect("the film is written");
    let camera = format!("--use-file-for-fake-video-capture={}", path.display());
    let flags = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", &camera];
    let other = Browser::start_with_flags(Hidden::AtFullSpeed, &flags).await;
    let scans = other.open(&relay.url("/")).await;
    mission::joined(&scans).await;
    relay.kill();
    without_relay(&scans).await;
    scans.click("nav-network").await;
    scans.click("pair").await;
    scans.click("pair-take").await;
    scans.screenshot("camera-before").await;
    scans.click("scan").await;
    take_answer(&shows, &scans, Duration::ZERO).await;
    for tab in [&shows, &scans] {
        mission::counts_ions(tab, 2).await;
    }
}
