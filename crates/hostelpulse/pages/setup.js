// Posts the form with the token of the link. The token stands behind the #, so it is in no log on the way here.
const form = document.getElementById("form");
const said = document.getElementById("said");
const token = location.hash.slice(1);

if (!token) {
  form.hidden = true;
  said.textContent = "This page needs the whole link that the program printed, with what stands behind the #.";
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  said.textContent = "";
  said.className = "";
  for (const place of form.querySelectorAll("[data-field]")) place.textContent = "";
  try {
    const { email, name, password } = Object.fromEntries(new FormData(form));
    const answer = await fetch("/api/v1/setup", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ setup_token: token, email, name, password }),
    });
    const body = await answer.json();
    if (answer.ok) {
      history.replaceState(null, "", "/setup");
      form.hidden = true;
      said.textContent = `${body.data.email} is the first administrator. Sign in with the app, or try the API at /docs.`;
      return;
    }
    said.className = "error";
    said.textContent = body.error.message;
    for (const wrong of Array.isArray(body.error.details) ? body.error.details : []) {
      const place = form.querySelector(`[data-field="${CSS.escape(wrong.field)}"]`);
      if (place) place.textContent = wrong.error;
    }
  } catch {
    said.className = "error";
    said.textContent = "The server does not answer. Try again.";
  } finally {
    button.disabled = false;
  }
});
