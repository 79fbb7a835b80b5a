'use strict';
// What has to be settled before any ES module loads.
const { availableParallelism } = require('node:os');
const { setFlagsFromString } = require('node:v8');

// sharp, zlib and file access share libuv's pool, whose size is read once. Two threads more than processors keep all of
// them busy while some wait for the disk.
process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, availableParallelism() + 2));
// Before anything can load onnxruntime, which otherwise keeps a device id and a log for its maker.
process.env.ORT_DISABLE_TELEMETRY ??= '1';
// By default V8 lets the heap grow to a multiple of what is alive before it collects all of it: over a million images,
// 100 MiB of garbage. A fifth is cheap to collect, since little is alive.
setFlagsFromString('--heap-growing-percent=20');
