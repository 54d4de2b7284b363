//! Simulators of WeCom and Tencent Cloud CAM on loopback.
