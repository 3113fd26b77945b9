// Set by build.mjs.
declare const BN_DEV: boolean;
