// What the screens are made of, in one place.

export * from './dom.js';
export * from './clock.js';
export * from './api.js';
export * from './router.js';
export * from './overlays.js';
export * from './names.js';
export * from './table.js';
export * from './listview.js';
