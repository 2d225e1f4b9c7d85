#!/usr/bin/env node
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `error: invsync needs Node.js 20.19 or newer, this is ${process.versions.node}\n` +
      'hint: install a newer one (https://nodejs.org, or nvm install 24) and run the command again\n',
  );
  process.exitCode = 2;
} else await import('../dist/main.js');
