//! Which files are used, to the byte.

use super::hash::Sha256Hex;

/// A Python wheel that is downloaded for some of its files.
pub(super) struct Wheel {
    /// The project's name in the index, which is also the package's folder.
    pub(super) project: &'static str,
    /// The release.
    pub(super) version: &'static str,
    /// SHA-256 of the wheel.
    pub(super) sha256: Sha256Hex,
    /// Folder in the cache.
    pub(super) folder: &'static str,
    /// The files that are kept.
    pub(super) members: &'static [Member],
}

/// A file in a wheel.
pub(super) struct Member {
    /// Its name in the cache and in a user's folder.
    pub(super) name: &'static str,
    /// Where it lies in the wheel, and in an installed package under `site-packages`.
    pub(super) path: &'static str,
    /// Its SHA-256.
    pub(super) sha256: Sha256Hex,
}

/// The file that holds MuJoCo.
pub(super) const LIBRARY: &str = "libmujoco.so.3.17.0";

/// MuJoCo itself, for Linux on x86-64.
pub(super) const MUJOCO: Wheel = Wheel {
    project: "mujoco",
    version: "3.17.0",
    sha256: "d66928d86a2d1b601bbaa4dc11db50214d17d5301bb8afd84721313b67ff0874",
    folder: "mujoco-3.17.0",
    members: &[Member {
        name: LIBRARY,
        path: "mujoco/libmujoco.so.3.17.0",
        sha256: "23496b023ee80fb61ab71167e94bc649f9941710fde96b18bb8204fb332523ad",
    }],
};

const fn model(name: &'static str, path: &'static str, sha256: Sha256Hex) -> Member {
    Member { name, path, sha256 }
}

/// The models of Gymnasium's tasks.
pub(super) const GYMNASIUM: Wheel = Wheel {
    project: "gymnasium",
    version: "1.4.0",
    sha256: "1cb947c59e7c72d8eabb2c2274c00cd20948e69f8452a9ef4092223be24fdf0e",
    folder: "gymnasium-1.4.0",
    members: &[
        model(
            "hopper.xml",
            "gymnasium/envs/mujoco/assets/hopper.xml",
            "3ce93a055ffdcd83c0c701d2400768e40d2cbb9532f3c4ae33377c27f8b39f9e",
        ),
        model(
            "walker2d.xml",
            "gymnasium/envs/mujoco/assets/walker2d.xml",
            "ac13373c7ac9003a5311c4704b314ed11149b3dd7600bbc02770487300f9ad2d",
        ),
        model(
            "walker2d_v5.xml",
            "gymnasium/envs/mujoco/assets/walker2d_v5.xml",
            "6bed53a6cc3ca73c4fe8ac3486d3b4228927264a6454f4ef16d3eed3c58bc09d",
        ),
        model(
            "half_cheetah.xml",
            "gymnasium/envs/mujoco/assets/half_cheetah.xml",
            "11797a5d69e8ac955e89ca6fdd3a0087f1c990094fda401ac51420de1b6c5494",
        ),
        model(
            "ant.xml",
            "gymnasium/envs/mujoco/assets/ant.xml",
            "cd5f83ef0ea35b0969e65d360c5bacd5b74ccaef6b27e4433b5168c605e3e2be",
        ),
        model(
            "humanoid.xml",
            "gymnasium/envs/mujoco/assets/humanoid.xml",
            "85816f372c826d2094b4a598918233bd9c5843b2439119eece2733bdc2e0d073",
        ),
    ],
};

/// Every wheel.
pub(super) const WHEELS: [&Wheel; 2] = [&MUJOCO, &GYMNASIUM];

/// Whether MuJoCo is pinned for the machine that this program was built for.
pub(super) const PINNED: bool =
    cfg!(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"));

/// Every file of every wheel.
pub(super) fn members() -> impl Iterator<Item = (&'static Wheel, &'static Member)> {
    WHEELS.into_iter().flat_map(|wheel| wheel.members.iter().map(move |member| (wheel, member)))
}
