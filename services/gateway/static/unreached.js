// Says below a form that the server could not be reached, and that nothing of it is lost.
export function sayUnreached(form) {
  const told = document.createElement("p");
  told.className = "problem unreached";
  told.setAttribute("role", "alert");
  told.textContent = document.body.dataset.unreached;
  form.append(told);
}

export function unsay(form) {
  form.querySelector(".unreached")?.remove();
}
