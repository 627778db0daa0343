// Requests to our own server, with one renewal of the session when it has run out.
let renewal = null;
const renew = () => (renewal ??= fetch("/auth/refresh", { method: "POST", credentials: "same-origin" }).finally(() => (renewal = null)));

export const request = async (url, options = {}) => {
  const ask = () => fetch(url, { credentials: "same-origin", redirect: "manual", ...options });
  let answer = await ask();
  if (answer.status === 401) {
    const renewed = await renew();
    if (renewed.status >= 500) return renewed; // nobody can tell now who asks: no reason to leave the page
    if (renewed.ok) answer = await ask();
  }
  if (answer.status === 401 || answer.type === "opaqueredirect") {
    location.assign(`/auth/refresh?to=${location.pathname}${location.search}`);
    return new Promise(() => {});
  }
  return answer;
};
