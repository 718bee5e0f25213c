// The two switches of taste, wherever they stand: language and theme.
import { locale, speak, t } from '../i18n.ts'
import { theme } from '../preferences.ts'

export const LanguageButton = () => (
  <button
    type="button"
    class="quiet"
    data-testid="language"
    lang={locale.value === 'en' ? 'zh-CN' : 'en'}
    aria-label={t('switch.language-label')}
    onClick={() => void speak(locale.value === 'en' ? 'zh-CN' : 'en').catch(() => {})}
  >
    {t('switch.language')}
  </button>
)

export const ThemeButton = () => (
  <button
    type="button"
    class="quiet"
    data-testid="theme"
    onClick={() => {
      theme.value = theme.value === 'dark' ? 'light' : 'dark'
    }}
  >
    {t(theme.value === 'dark' ? 'switch.light' : 'switch.dark')}
  </button>
)
