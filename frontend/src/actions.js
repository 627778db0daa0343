// The last thing the user did, so that what we measure can be read beside it; vitals.js sends it.
export const actions = [];

/** Remember an action; `ms` is how long its effect took to be on the screen. */
export const doing = (name, ms = 0) => {
  actions.push({ name, ms: Math.round(ms), at: Math.round(performance.now()) });
  if (actions.length > 50) actions.shift();
};
