#!/usr/bin/env node
'use strict';
require('./process-settings.cjs');
import('../dist/cli/main.js').then(({ main }) => main(process.argv.slice(2)));
