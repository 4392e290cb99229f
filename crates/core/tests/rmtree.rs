//! rmtree speed
use fdkit::*;
#[test]
fn speed() {
    let Ok(top) = std::env::var("TREE") else { return };
    let top = std::ffi::CString::new(top).unwrap();
    let t = std::time::Instant::now();
    let mut r = Rmtree::new(None, &top).unwrap();
    loop {
        match r.step(1000) {
            Progress::Done => break,
            Progress::More => {}
            f => panic!("{f:?}"),
        }
    }
    println!("ours {:?}", t.elapsed());
}
