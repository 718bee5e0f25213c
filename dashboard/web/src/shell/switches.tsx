// The two switches of taste, wherever they stand: language and theme.
import { locale, t } from '../i18n.ts'
import { theme } from '../preferences.ts'

export const LanguageButton = () => (
  <button
    type="button"
    class="quiet"
    data-testid="language"
    lang={locale.value === 'en' ? 'zh-CN' : 'en'}
    aria-label={t('switch.language-label')}
    onClick={() => {
      locale.value = locale.value === 'en' ? 'zh-CN' : 'en'
    }}
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
