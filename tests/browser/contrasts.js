// Contrast ratios (WCAG 2) of the pairs of colours that text is shown in.
() => {
  const style = getComputedStyle(document.querySelector('.zx'));
  const light = (name) => {
    const hex = style.getPropertyValue(name).trim();
    const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255)
      .map((s) => (s <= 0.03928 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  return JSON.stringify({
    ink: ratio('--zx-ink', '--zx-surface'),
    soft: ratio('--zx-ink-2', '--zx-surface'),
    softOnPanel: ratio('--zx-ink-2', '--zx-surface-2'),
    accent: ratio('--zx-accent', '--zx-surface'),
    button: ratio('--zx-accent-ink', '--zx-accent'),
    warn: ratio('--zx-warn', '--zx-warn-soft'),
    error: ratio('--zx-error', '--zx-error-soft'),
    softOnWarn: ratio('--zx-ink-2', '--zx-warn-soft'),
    softOnError: ratio('--zx-ink-2', '--zx-error-soft'),
  });
}
