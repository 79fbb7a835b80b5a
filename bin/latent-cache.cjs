#!/usr/bin/env node
'use strict';
// sharp, zlib and file access share libuv's pool, whose size is read once, before any ES module could set it. Two
// threads more than processors keep all of them busy while some wait for the disk.
const { availableParallelism } = require('node:os');
process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, availableParallelism() + 2));
// Before anything can load onnxruntime, which otherwise keeps a device id and a log for its maker.
process.env.ORT_DISABLE_TELEMETRY ??= '1';
import('../dist/cli/main.js').then(({ main }) => main(process.argv.slice(2)));
